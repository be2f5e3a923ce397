"""`outpost walk-test`: opens the agent's walk test, says what to press, and follows how far each button's test alarm comes."""

import argparse
import json
import sys
import threading
from contextlib import suppress
from typing import Any

from agent import clock
from agent.cli import parser, reader
from agent.cli.ask import NoAnswer, NotRunning, ask
from agent.cli.endings import endings
from agent.cli.status import FAILED, FINE, MISTAKE, NOT_RUNNING, socket_path

LOOK_S = 0.5
"""How often the agent is asked how far it is: a hand waits for the answer."""

LEASE_S, RENEW_S = 15.0, 5.0
"""So long a test goes on without a word of who has begun it, who was perhaps killed and could stop nothing; they say one so often."""

SAYS = {
    "untried": "not pressed yet",
    "raised": "pressed; on its way",
    "sent": "on this unit's disk and at the broker",
    "received": "the centre's software has it",
    "acknowledged": "seen at the centre",
}
ENDED = {
    "done": "every button has passed",
    "window": "the time is over",
    "stopped": "it was stopped",
    "alarm": "an alarm was raised: this is not a test any more",
    "restart": "the agent was started afresh",
}
GONE = "the test is over with it, and a press is an alarm: look at `outpost status`"

MORE = """
For some minutes (walk_test.window_s) a press of a panic button makes a test alarm, which goes the whole way and is marked as a test. Press
each button as in need, and wait until the centre has acknowledged it; the lamp shows how far it is. A hold of 5 s is a real alarm all the
same. Ctrl-C ends the test, and so does a terminal that is lost."""

EPILOG = """\
examples:
  outpost walk-test
  outpost walk-test --json           one JSON object each time that something changes

exit codes:
  0  every button has passed
  1  not every button has passed, or no test can begin now
  2  a mistake on the command line, or the config file cannot be read
  3  the agent is not running"""


class Over(Exception):
    """The agent that the test was begun with is not there any more."""


def add(subparsers: "parser.Subparsers[argparse.ArgumentParser]") -> None:
    """The command's options."""
    command = parser.command(subparsers, "walk-test", MORE, EPILOG)
    command.add_argument("--json", action="store_true", help="print one JSON object each time that something changes")
    parser.add_agent(command)


def run(args: argparse.Namespace) -> int:
    """Begin, follow, and tell what came of it; the exit code."""
    try:
        path = args.socket or socket_path(args.config)
    except (OSError, ValueError) as e:
        print(f"{args.config}: {e}; or name the agent's socket with -s", file=sys.stderr)
        return MISTAKE
    try:
        with endings():
            return _test(path, args.json)
    except KeyboardInterrupt:  # before there was a test
        return FAILED
    except OSError:  # nobody reads any more what is printed
        reader.left()
    except NotRunning as e:
        print(e, file=sys.stderr)
        return NOT_RUNNING
    except NoAnswer as e:
        print(e, file=sys.stderr)
    except Over as e:
        print(f"{e}; {GONE}", file=sys.stderr)
    return FAILED


def _test(path: str, as_json: bool) -> int:
    boot = _boot(ask(path, {"ask": "status"}))
    try:
        begun = ask(path, {"do": "walk_test", "lease_s": LEASE_S})
        _tell(begun if as_json else _invitation(begun), as_json)
        now = _followed(path, boot, "lease_s" in begun, as_json)
    except KeyboardInterrupt:
        now = ask(path, {"do": "walk_test", "stop": True})
    except OSError:
        ask(path, {"do": "walk_test", "stop": True})
        raise
    _tell(now if as_json else _verdict(now), as_json)
    return FINE if now.get("result") == "passed" else FAILED


def _followed(path: str, boot: Any, leased: bool, as_json: bool) -> dict[str, Any]:
    """The test when it is over; what changes is printed. `leased`: the agent is to hear that we are there (an older one knows no lease)."""
    told: dict[str, Any] = {}
    renew_at = clock.monotonic() + RENEW_S
    while (now := _look(path, boot)).get("open"):
        if now.get("inputs") != told.get("inputs"):
            _tell(now if as_json else _news(told, now), as_json)
            told = now
        if leased and clock.monotonic() >= renew_at:
            renew_at = clock.monotonic() + RENEW_S
            with suppress(NotRunning, NoAnswer):  # the next look tells
                ask(path, {"do": "walk_test", "renew": True, "lease_s": LEASE_S})
        threading.Event().wait(LOOK_S)
    return now


def _look(path: str, boot: Any) -> dict[str, Any]:
    """How far the test is. Raises Over."""
    try:
        status = ask(path, {"ask": "status"})
    except (NotRunning, NoAnswer) as e:
        raise Over(e) from None
    if _boot(status) != boot:
        raise Over("the agent was started afresh")
    alarm = status.get("alarm")
    test = alarm.get("walk_test") if isinstance(alarm, dict) else None
    return test if isinstance(test, dict) else {}


def _boot(status: dict[str, Any]) -> Any:
    unit = status.get("unit")
    return unit.get("boot") if isinstance(unit, dict) else None


# --- what is printed ----------------------------------------------------------------------------------------------------------------


def _tell(what: dict[str, Any] | str, as_json: bool) -> None:
    text = json.dumps(what, ensure_ascii=False) if as_json else str(what)
    if text:
        print(text, flush=True)


def _invitation(begun: dict[str, Any]) -> str:
    minutes = float(begun.get("left_s", 0)) / 60
    buttons = [_button(name, facts) for name, facts in begun.get("buttons", {}).items()]
    lines = [f"The walk test is open for {minutes:.0f} min; Ctrl-C ends it. Press each button:", *buttons]
    return "\n".join([*lines, "A hold of 5 s is a real alarm. What waits:"])


def _button(name: str, facts: dict[str, Any]) -> str:
    seat = f" ({facts['seat']})" if facts.get("seat") else ""
    twice = ", or press it twice" if facts.get("press") == "twice" else ""
    return f"  {name}{seat}: hold it for {facts.get('hold_s', 0):g} s{twice}"


def _news(before: dict[str, Any], now: dict[str, Any]) -> str:
    """A line for each button that has come further, or back."""
    was = before.get("inputs") or {}
    changed = {name: reached for name, reached in now["inputs"].items() if was.get(name) != reached}
    return "\n".join(f"  {name}: {SAYS.get(reached, reached)}" for name, reached in changed.items())


def _verdict(test: dict[str, Any]) -> str:
    inputs = test.get("inputs") or {}
    lines = [f"{'PASS' if reached == 'acknowledged' else 'FAIL'}  {name}: {SAYS.get(reached, reached)}" for name, reached in inputs.items()]
    ended = test.get("ended")
    why = f": {ENDED.get(ended, ended)}" if isinstance(ended, str) else ""
    return "\n".join([f"The walk test is over{why}. Presses are alarms again.", *lines])
