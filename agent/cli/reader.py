"""The reader of what a command prints: nothing goes in or comes out; when they have left (`| head`), the rest is printed nowhere."""

import os
import sys


def left() -> None:
    """After a BrokenPipeError: Python flushes once more at its end, and would complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
