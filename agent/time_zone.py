"""The name of a time zone goes in, a function of UTC with the zone's rules comes out; reads the system's zones, or Python's tzdata."""

import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime


def east_s(name: str) -> Callable[[int], int] | None:
    """By how many seconds local time is ahead of UTC, at a UTC in ms; None when no zone of that name can be read."""
    try:
        zone = zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None

    def ahead_s(utc_ms: int) -> int:
        ahead = datetime.fromtimestamp(utc_ms / 1000, UTC).astimezone(zone).utcoffset()
        assert ahead is not None
        return round(ahead.total_seconds())

    return ahead_s
