"""The peer of test_pattern_jitter: pins in, the same patterns on the same schedule out, as a first prototype is written, and nothing else.

    python -m tests.bench.bare_blinker PATTERNS PIN…

PATTERNS: JSON, for each pin its milliseconds on and off in turn. gpiozero, one loop, one wait until the next change. Says on stdout at
which monotonic second it began.
"""

import json
import sys
import threading
import time

import gpiozero


def main() -> None:
    """Blink until killed."""
    patterns = json.loads(sys.argv[1])
    lamps = [gpiozero.OutputDevice(int(pin)) for pin in sys.argv[2:]]
    period_ms = sum(patterns[0])
    changes = []
    for lamp, steps in zip(lamps, patterns, strict=True):
        at_ms = 0
        for i, ms in enumerate(steps):
            changes.append((at_ms, lamp, i % 2 == 0))
            at_ms += ms
    changes.sort(key=lambda change: change[0])
    pause = threading.Event()
    began = time.monotonic()
    print(began, flush=True)
    while True:
        for at_ms, lamp, on in changes:
            pause.wait(max(0.0, began + at_ms / 1000 - time.monotonic()))
            lamp.value = on
        began += period_ms / 1000


if __name__ == "__main__":
    main()
