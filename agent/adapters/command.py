"""Commands of the system that are asked something: words go in, what was printed comes out."""

import subprocess

BYTES_MAX = 1_048_576
"""All of them say some KB; a line of the journal may have 48."""


def said(*words: str, within_s: float) -> bytes:
    """Nothing when there is no such command, it fails, says too much, or is stuck, and is then killed."""
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=within_s)
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 and len(done.stdout) <= BYTES_MAX else b""
