"""Times told: what is dated late fits between what was told before, however much has been told since."""

from agent.core.told_time import TOLD_MAX, ToldTime


def test_what_is_dated_long_after_it_happened_lies_between_its_neighbours() -> None:
    """Seed 1358 of the preset link: a track of the first minute, dated when it left ten minutes later, by a better clock."""
    told = ToldTime()
    assert told.utc_ms(77.387, 5227, 1000) == 5227
    for second in range(100, 100 + TOLD_MAX // 2):
        told.utc_ms(float(second), second * 1000, 1000)
    assert told.utc_ms(77.404, 5186, 1000) == 5227


def test_what_was_told_is_remembered_within_a_bound() -> None:
    told = ToldTime()
    for second in range(2 * TOLD_MAX):
        told.utc_ms(float(second), second * 1000, 1000)
    assert len(told._told) == TOLD_MAX
