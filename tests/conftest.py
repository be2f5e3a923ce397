"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# No deadline for one example, nor for the making of them: how long it takes says more about the machine than about us, and pytest's
# time-out is the net.
settings.register_profile("outpost", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("outpost")
