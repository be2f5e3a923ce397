"""The receiver's port, on a real pseudo-terminal and a real socket: fixes, counts, unplugging, the hunt for the speed."""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent import config
from agent.adapters.baud import BAUDS, DWELL_S
from agent.adapters.fields import KNOT_MPS
from agent.adapters.gnss import Gnss
from agent.core.events import Event, Fix, FixMode, ReceiverDown, ReceiverHeard, ReceiverUp
from tests.adapters.conftest import Clock, Posted, thread_left
from tests.adapters.pty_receiver import PtyReceiver, sentence
from tests.timing import PATIENCE_S, best_of

SATS = "GNGSA,A,3,01,02,03,,,,,,,,,,1.5,0.9,1.2,1"
GARBAGE = b"\x00\xf8\x1e garbage of a wrong speed\xff"

Begin = Callable[..., Gnss]


def cycle(n: int) -> bytes:
    """The sentences of second `n` of a minute."""
    t = f"1200{n % 60:02}.00"
    return (
        sentence(f"GNGGA,{t},4739.7,N,12219.5,W,1,09,0.9,76.5,M,-21.6,M,,")
        + sentence(SATS)
        + sentence(f"GNRMC,{t},A,4739.7,N,12219.5,W,2.00,90.0,050826,,,A,V")
    )


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[PtyReceiver]:
    plugged = PtyReceiver(tmp_path / "receiver")
    yield plugged
    plugged.close()


@pytest.fixture
def begin(posted: Posted) -> Iterator[Begin]:
    """Starts the adapter; the test's end closes it, and no thread may be left."""
    begun = []

    def start(port: str | Path, baud: int | str = 9600, now: Callable[[], float] = time.monotonic) -> Gnss:
        gnss = Gnss(config.Gnss(port=str(port), baud=baud), posted, now)  # type: ignore[arg-type]  # Literal in the file's types
        gnss.start()
        begun.append(gnss)
        return gnss

    yield start
    for gnss in begun:
        gnss.close()
    assert not thread_left("gnss")


def faster(times: float) -> Callable[[], float]:
    """A clock that runs so many times faster than the world's."""
    start = time.monotonic()
    return lambda: start + (time.monotonic() - start) * times


def next_speed(receiver: PtyReceiver, clock: Clock, last: int) -> int:
    """What the reader sets while it hears garbage. Time goes in such small steps that no speed is passed over unseen."""
    deadline = time.monotonic() + PATIENCE_S
    while (baud := receiver.baud) == last and time.monotonic() < deadline:
        clock.at += DWELL_S / 20
        receiver.say(GARBAGE)
        threading.Event().wait(0.02)
    return baud


def test_a_port_that_opens_is_up_and_a_cycle_is_a_fix(receiver: PtyReceiver, begin: Begin, posted: Posted) -> None:
    begin(receiver.port)
    assert posted.expect(ReceiverUp).port == str(receiver.port)
    seconds = itertools.count()

    def stamped_late() -> float:
        before = time.monotonic()
        receiver.say(cycle(next(seconds)))
        fix = posted.expect(Fix)
        assert (fix.mode, fix.alt_m, fix.speed_mps, fix.sats) == (FixMode.THREE_D, 76.5, 2 * KNOT_MPS, {"GP": 3})
        assert before <= fix.at
        return fix.at - before

    assert best_of(stamped_late, 0.05) <= 0.05, "by its first byte, and not by the end of it"


def test_once_the_cycle_is_known_a_fix_leaves_without_waiting_for_quiet(receiver: PtyReceiver, begin: Begin, posted: Posted) -> None:
    begin(receiver.port)
    posted.expect(ReceiverUp)
    for n in range(4):
        receiver.say(cycle(n))
    for _ in range(3):
        posted.expect(Fix)
    posted.expect(Fix, where=lambda fix: fix.utc_ms is not None and fix.utc_ms % 60_000 == 3000)
    seconds = itertools.count(4)

    def took() -> float:
        said = time.monotonic()
        receiver.say(cycle(next(seconds)))
        posted.expect(Fix)
        return time.monotonic() - said

    assert best_of(took, 0.06, tries=30) <= 0.06


def test_a_receiver_that_begins_with_gsa_is_understood_at_10_hz(receiver: PtyReceiver, begin: Begin, posted: Posted) -> None:
    """The pause before it is shorter than many a one within a burst; in each tenth of a second another number of satellites is used."""
    begin(receiver.port)
    posted.expect(ReceiverUp)
    wait, tenths = threading.Event().wait, itertools.count()

    def astray() -> float:
        """How many of the fixes, after the first ten, do not have the satellites of their own instant."""
        start, fixes = time.monotonic(), []
        for turn in range(20):
            n = next(tenths)
            t, numbers = f"1200{n // 10:02}.{n % 10}00", ",".join(f"{i + 1:02}" if i < 3 + n % 10 else "" for i in range(12))
            receiver.say(sentence(f"GNGSA,A,3,{numbers},1.5,0.9,1.2,1"))
            receiver.say(sentence(f"GNGGA,{t},4739.7,N,12219.5,W,1,09,0.9,76.5,M,-21.6,M,,"))
            receiver.say(sentence(f"GNRMC,{t},A,4739.7,N,12219.5,W,2.00,90.0,050826,,,A,V"))
            wait(max(0.0, start + (turn + 1) / 10 - time.monotonic()))
            fixes += [event for event in posted.drain() if isinstance(event, Fix) and event.utc_ms is not None]
        late = fixes[10:]
        assert len(late) >= 5
        return sum(fix.sats != {"GP": 3 + (fix.utc_ms or 0) // 100 % 10} for fix in late)

    assert best_of(astray, 0.0) == 0.0


def test_what_is_heard_is_counted_about_each_second(receiver: PtyReceiver, begin: Begin, posted: Posted) -> None:
    begin(receiver.port, now=faster(10))
    posted.expect(ReceiverUp)
    receiver.say(cycle(0) + b"$GNRMC,cut\r\n")
    heard = posted.expect(ReceiverHeard)
    assert (heard.sentences, heard.refused) == (3, {"no_checksum": 1})


def test_silence_is_not_told_of(receiver: PtyReceiver, begin: Begin, posted: Posted) -> None:
    begin(receiver.port, now=faster(1000))
    posted.expect(ReceiverUp)
    with pytest.raises(AssertionError):
        posted.expect(Event, timeout=0.5)


def test_a_port_that_is_not_there_is_down_and_tried_again(tmp_path: Path, begin: Begin, posted: Posted) -> None:
    port = tmp_path / "receiver"
    begin(port)
    down = posted.expect(ReceiverDown)
    assert down.port == str(port)
    assert "No such file" in down.reason
    receiver = PtyReceiver(port)
    posted.expect(ReceiverUp)
    receiver.close()


def test_a_receiver_that_is_pulled_and_plugged_in_again_comes_back(receiver: PtyReceiver, begin: Begin, posted: Posted) -> None:
    begin(receiver.port)
    for n in range(3):
        posted.expect(ReceiverUp)
        receiver.say(cycle(n))
        posted.expect(Fix)
        receiver.pull()
        posted.expect(ReceiverDown)
        receiver.plug_in()
    posted.expect(ReceiverUp)


def test_the_last_instant_is_told_when_the_port_is_gone(receiver: PtyReceiver, begin: Begin, posted: Posted) -> None:
    begin(receiver.port, now=lambda: 5.0)
    posted.expect(ReceiverUp)
    receiver.say(cycle(0) + cycle(1))
    first = posted.expect(Fix)
    receiver.pull()
    last = posted.expect(Fix)
    assert first.utc_ms is not None
    assert (last.mode, last.utc_ms) == (FixMode.THREE_D, first.utc_ms + 1000)
    assert posted.expect(ReceiverHeard).sentences == 6
    posted.expect(ReceiverDown)


@pytest.mark.parametrize("url", ["nonsense://x", "socket://127.0.0.1:1", "/"])
def test_a_port_that_cannot_be_is_down_with_a_reason(url: str, begin: Begin, posted: Posted) -> None:
    begin(url)
    assert posted.expect(ReceiverDown).reason


def test_a_receiver_may_be_behind_a_socket(begin: Begin, posted: Posted) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        begin(f"socket://127.0.0.1:{server.getsockname()[1]}")
        far, _ = server.accept()
        with far:
            posted.expect(ReceiverUp)
            far.sendall(cycle(0))
            assert posted.expect(Fix).mode is FixMode.THREE_D
        posted.expect(ReceiverDown)


def test_auto_tries_speeds_while_garbage_comes_and_stays_when_sentences_come(receiver: PtyReceiver, begin: Begin, posted: Posted) -> None:
    clock = Clock()
    begin(receiver.port, "auto", now=clock)
    posted.expect(ReceiverUp)
    assert receiver.baud == BAUDS[0]
    seen = [BAUDS[0]]
    while len(seen) < 4:
        seen.append(next_speed(receiver, clock, seen[-1]))
    assert seen == [*BAUDS[:4]]
    for _ in range(40):
        clock.at += DWELL_S / 10
        receiver.say(cycle(0))
        threading.Event().wait(0.01)
    assert receiver.baud == BAUDS[3]


def test_a_speed_that_is_given_is_kept_whatever_comes(receiver: PtyReceiver, begin: Begin, posted: Posted) -> None:
    begin(receiver.port, 38400, now=faster(100))
    posted.expect(ReceiverUp)
    for _ in range(5):
        receiver.say(b"garbage\r\n")
        posted.expect(ReceiverHeard)
    assert receiver.baud == 38400


def test_nothing_is_ever_sent_to_the_receiver(receiver: PtyReceiver, begin: Begin, posted: Posted) -> None:
    gnss = begin(receiver.port, "auto")
    posted.expect(ReceiverUp)
    receiver.say(cycle(0))
    posted.expect(Fix)
    gnss.close()
    assert receiver.heard() == b""


def test_what_has_waited_is_read_whole_and_dated_back_by_its_utc(receiver: PtyReceiver, begin: Begin, posted: Posted) -> None:
    """A clock that is 60 s further at each look: we have never run between two looks. And we do not run while the receiver speaks."""
    looks = iter(range(0, 10_000_000, 60))
    runs, stands = threading.Event(), threading.Event()
    runs.set()

    def now() -> float:
        if not runs.is_set():
            stands.set()
            runs.wait(PATIENCE_S)
        return float(next(looks))

    begin(receiver.port, now=now)
    posted.expect(ReceiverUp)
    runs.clear()
    assert stands.wait(PATIENCE_S)
    receiver.say(b"".join(cycle(n) for n in range(28)))  # 5 kB, more than one read takes
    runs.set()
    first, *others = [posted.expect(Fix) for _ in range(28)]
    assert [fix.utc_ms - first.utc_ms for fix in others if fix.utc_ms and first.utc_ms] == [n * 1000 for n in range(1, 28)]
    assert others[-1].read_at == others[-1].at
    assert [others[-1].at - fix.at for fix in others] == [float(n) for n in range(26, -1, -1)]
    assert first.at < others[0].at
