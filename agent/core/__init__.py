"""What the unit decides: events go in, effects come out. Nothing here waits, reads a clock, logs or draws a random number."""
