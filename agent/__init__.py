"""Outpost (前哨): the edge agent for police patrol vehicles and checkpoints."""

__version__ = "0.1.0"

BUILD_DATE = "2026-01-01"
"""No receiver can rightly tell of a day before this: a date that is earlier has lost 1024 weeks in the receiver (adapters/dates).

The release raises it; it is never later than the day on which the unit first runs, or right dates would be moved 19.6 years ahead.
"""
