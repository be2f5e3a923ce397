"""Outpost (前哨): the edge agent for police patrol vehicles and checkpoints."""

__version__ = "0.1.0"
