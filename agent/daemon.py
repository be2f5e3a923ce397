"""The composition root: a config goes in, a running agent comes out; the only file that knows the core and every adapter.

Threads: the main one decides; each adapter has its own. They meet in the mailbox. A thread that dies is an event, and ends the process.
"""

import gc
import logging
import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from agent import __version__, clock, config_kept, logs, loop, receiver_file, store_place, time_zone
from agent.adapters import pins
from agent.adapters.broker import Broker
from agent.adapters.gnss import Gnss
from agent.adapters.inputs import Inputs
from agent.adapters.last_config import LastConfig
from agent.adapters.local_socket import LocalSocket
from agent.adapters.modem import Modem
from agent.adapters.outputs import Outputs
from agent.adapters.safe_file import SafeFile
from agent.adapters.socket_file import SocketInUse
from agent.adapters.spool import Spool
from agent.adapters.systemd import ServiceManager
from agent.adapters.vitals import Vitals
from agent.config import Config
from agent.config_start import Start
from agent.core import effects, local_days
from agent.core.events import AdapterDied, Event, InputsFailed, OutputFailed, Started, StopRequested
from agent.core.unit import Unit
from agent.mailbox import Mailbox

LOG = logging.getLogger("outpost")
DIED = 1

SWITCH_S = 0.001
"""A thread that wants to run waits so long for one that computes; Python's own 5 ms make a pattern's edge as late as that."""

Performers = dict[type[effects.Effect], Callable[[Any], None]]
"""Who performs which effect."""


class Adapter(Protocol):
    """What every adapter can do besides performing its effects."""

    def start(self) -> None:
        """Begin; returns at once."""

    def close(self) -> None:
        """End in order; bounded in time, also when its thread is dead."""


def run(start: Start, file: Path) -> int:
    """Run the agent until it is asked to stop (0) or a part of it has died (1). `file`: the config file, of which `start` was made."""
    config = start.config
    logs.set_up(config.log.level, os.environ)
    mailbox = Mailbox(clock.monotonic)
    hear_of_dead_threads(mailbox.post)
    hear_signals(mailbox.post)
    try:
        phrasebook = receiver_file.read(config.gnss.receiver)
    except receiver_file.ReceiverFileError as e:  # the config's check has read it a moment ago
        LOG.error("gnss.receiver: %s", e)
        return DIED
    east_s = time_zone.east_s(config.unit.timezone)
    if east_s is None:  # only the default can be missing, of a machine without zones: the config's check has read any other
        LOG.warning("unit.timezone: %s cannot be read; days and months are those of UTC+8", config.unit.timezone)
    unit = Unit(config, secrets.token_hex(8), __version__, phrasebook, east_s or local_days.china)
    LOG.info("outpost %s, unit %s, boot %s", __version__, config.unit.id, unit.boot)
    if start.refused:
        LOG.error("runs with the last config that ran well, for the file cannot be used: %s", start.refused)
    mailbox.post(Started(clock.monotonic(), start.refused, ", ".join(map(str, store_place.asides(Path(config.store.path))))))
    adapters, performers = compose(config, unit.boot, mailbox.post)
    be_punctual()
    started: list[Adapter] = []
    service = ServiceManager(os.environ)
    kept = [LastConfig(where, config_kept.encode(file, tables, __version__)) for where, tables in ((start.kept,) if start.kept else ())]
    adapters += kept
    performers |= {effects.Notify: for_each(service, *kept), effects.Note: note}

    def perform(effect: effects.Effect) -> None:
        performers[type(effect)](effect)

    try:
        for adapter in adapters:
            started.append(adapter)
            adapter.start()
        loop.run(unit, mailbox, perform, service.pet, clock.monotonic)
    except SocketInUse as e:
        LOG.error("%s", e)
        return DIED
    except Exception:
        LOG.exception("the deciding thread died")
        return DIED
    finally:
        service.stopping()
        for adapter in sorted(started, key=lambda adapter: not isinstance(adapter, Outputs)):  # whatever happened, these must be safe first
            adapter.close()
    LOG.info("ended, exit code %d", unit.exit_code)
    return unit.exit_code


def compose(config: Config, boot: str, post: Callable[[Event], None]) -> tuple[list[Adapter], Performers]:
    """All adapters in the order in which they start, and who performs which effect."""
    now = clock.monotonic
    local_socket = LocalSocket(config.socket.path, post, now)
    # First: another agent on this machine is found before a pin is driven. Then what is safe is written down, before there is an end to it.
    adapters: list[Adapter] = [local_socket, SafeFile(config.socket.path, config.output)]
    performers: Performers = dict.fromkeys((effects.ShowLights, effects.PulseOutput), lambda _: None)
    if config.input or config.output:
        try:
            factory = pins.factory()
        except pins.NoPins as e:  # a unit that cannot reach its pins still knows where it is, and says what is wrong with it
            LOG.error("%s", e)
            if config.input:
                post(InputsFailed(now(), str(e)))
            for output in config.output:
                post(OutputFailed(now(), output.id, str(e)))
        else:
            outputs = Outputs(config.output, factory, post, now)
            adapters += [outputs, Inputs(config.input, factory, post, now)]
            performers |= dict.fromkeys((effects.ShowLights, effects.PulseOutput), outputs.perform)
    spool = Spool(config.store.path, config.store.size_bytes_max, boot, post, now)
    broker = Broker(config.mqtt, config.unit.id, post, now)
    gnss = Gnss(config.gnss, post, now)
    adapters += [spool, broker, gnss, Vitals(config.store.path, post, now, clock.utc_ms), Modem(post, now)]
    rows = (effects.Store, effects.Forget, effects.Keep, effects.Load, effects.Recall, effects.Prune)
    performers |= dict.fromkeys((effects.OpenSpool, *rows, effects.Remember), spool.perform)
    performers |= dict.fromkeys((effects.Connect, effects.Disconnect, effects.Subscribe, effects.Publish), broker.perform)
    performers |= dict.fromkeys((effects.WatchLink, effects.Probe), broker.perform)
    performers |= dict.fromkeys((effects.SpeakToReceiver, effects.SetReceiverBaud), gnss.perform)
    performers[effects.Answer] = local_socket.perform
    return adapters, performers


def for_each(*whom: Any) -> Callable[[Any], None]:
    """An effect that more than one performs."""

    def perform(effect: effects.Effect) -> None:
        for one in whom:
            one.perform(effect)

    return perform


def be_punctual() -> None:
    """Let no thread hold up the others: neither one that computes, nor the search for garbage in what was loaded at the start and stays."""
    sys.setswitchinterval(SWITCH_S)
    gc.freeze()


def note(effect: effects.Note) -> None:
    """A line of the core's for the log."""
    LOG.log(logging.getLevelNamesMapping()[effect.level.upper()], "%s", effect.text)


def hear_of_dead_threads(post: Callable[[Event], None]) -> None:
    """A thread that ends with an exception posts AdapterDied: nothing may die in silence."""

    def hook(args: threading.ExceptHookArgs) -> None:
        name = args.thread.name if args.thread else "a thread"
        LOG.error("thread %s died", name, exc_info=(args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback))
        post(AdapterDied(clock.monotonic(), name, f"{args.exc_type.__name__}: {args.exc_value}"))

    threading.excepthook = hook


def hear_signals(post: Callable[[Event], None]) -> None:
    """SIGTERM and SIGINT ask for an orderly end."""

    def hear(number: int, _frame: FrameType | None) -> None:
        post(StopRequested(clock.monotonic(), signal.Signals(number).name))

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hear)
