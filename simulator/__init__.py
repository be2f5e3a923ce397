"""Stands in for the devices of a unit: a seeded world in virtual time, and a bench in real time under the real agent."""
