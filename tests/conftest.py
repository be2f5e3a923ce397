"""What holds for all tests."""

from hypothesis import settings

# No deadline for one example: how long it takes says more about the machine than about us, and pytest's time-out is the net.
settings.register_profile("outpost", deadline=None, print_blob=True)
settings.load_profile("outpost")
