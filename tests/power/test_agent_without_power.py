"""The whole agent, `outpost run`, and ten power cuts one after the other: each start finds the disk as a cut may leave it.

strace writes down what the agent does to its disk. After each kill the disk is laid down anew as the cut left it: without all that was not
flushed, with all of it, or torn by chance. What the agent had called durable is in the next life, and the centre gets all of it.
"""

import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.wire.records import Alarm
from tests.black_box.desk import OUTPOST, QUICK, Desk, until
from tests.power import tape
from tests.power.platter import Platter

pytestmark = pytest.mark.timeout(400)

CUTS = 10
VARIANTS = ("none", "torn", "all")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A car without an agent yet, its centre listening."""
    with Desk(tmp_path / "car", QUICK) as found:
        yield found


def cut(desk: Desk, platter: Platter, trace: Path, variant: str, seed: str) -> None:
    """The power goes now."""
    pid, state = desk.pid, desk.directory / "state"
    desk.kill_agent()
    until("strace has written it down", lambda: re.search(rf"^{pid} +\+\+\+ killed", trace.read_text(errors="replace"), re.MULTILINE))
    for entry in tape.entries(trace, state):
        if entry.what != "said":
            platter.step(entry)
    shutil.rmtree(state)
    state.mkdir()
    platter.write_to(state, variant, random.Random(seed))


def later(boot: str, n: int) -> Callable[[Alarm], bool]:
    """An alarm that this boot tells of, with a number above `n`."""
    return lambda r: r.boot == boot and r.n > n


def test_ten_power_cuts_lose_no_alarm_that_was_called_durable(desk: Desk, tmp_path: Path) -> None:
    """The alarm is the same in every life; every press of every life was said and stored, and its numbers never step back."""
    strace = tape.strace_or_skip()
    state = desk.directory / "state"
    state.mkdir()
    alarm, highest = "", 0
    boots: list[str] = []
    for number in range(CUTS):
        trace = tmp_path / f"trace{number}"
        options = ("-D", "-f", "-q", "--seccomp-bpf", "-y", "-xx", "-s", "8388608", "-e", f"trace={tape.CALLS}", "-e", "signal=kill")
        desk.command = [strace, *options, "-o", str(trace), *OUTPOST]
        platter, variant = Platter(str(state)), VARIANTS[number % len(VARIANTS)]
        since = desk.heard
        boots.append(desk.run_online())
        if alarm:
            told = desk.told("latched", lambda s: s["alarm"]["state"] != "none")
            assert told["alarm"]["id"] == alarm, f"after a cut with {VARIANTS[(number - 1) % len(VARIANTS)]} of what was not flushed"
        desk.press()
        said = desk.hear(Alarm, later(boots[-1], highest), since)
        alarm = alarm or said.id
        assert said.id == alarm
        highest = said.n
        desk.all_on_disk()
        desk.release()
        desk.told("released", lambda s: not s["inputs"]["driver"])
        cut(desk, platter, trace, variant, f"{number}/{variant}")
    desk.command = OUTPOST
    since = desk.heard
    last = desk.run_online()
    again = desk.hear(Alarm, lambda r: r.boot == last, since)
    assert (again.id, again.n > highest) == (alarm, True)
    assert not {code for code in desk.faults() if code.startswith("store")}
    assert not [path for path in state.iterdir() if path.name.startswith("spool.") and path.is_dir()], "no store was set aside"
    desk.centre.clear(desk.options.unit, alarm, "test")
    desk.hear(Alarm, lambda r: r.id == alarm and r.state == "cleared")
    assert desk.terminate() == 0
    account = desk.account()
    assert (account.altered, account.invented) == (0, 0)
