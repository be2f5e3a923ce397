"""An end from outside: Ctrl-C, a terminal that is lost (SIGHUP), or `kill` (SIGTERM) go in; one KeyboardInterrupt comes out.

Theory. Some commands put the unit into a state that must not last: its buttons set to test, its link cut. Python ends a process by SIGHUP
and SIGTERM without a word. Here they come as Ctrl-C does, and only the first of them: what is on is then put back, which no second one is
to break off. Who has been told to live on without a terminal (`nohup`) does.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)


@contextmanager
def endings() -> Iterator[None]:
    """While in it, the first of the signals raises KeyboardInterrupt in the main thread. In another thread it does nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = {number: signal.getsignal(number) for number in SIGNALS}
    taken = [number for number, was in heard.items() if was is not signal.SIG_IGN]

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        for number in taken:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, heard[number])
