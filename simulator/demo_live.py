"""The live demo: keys in; a car that is played with, and a screen that shows it, out."""

import contextlib
import heapq
import itertools
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.live import Live

from agent.wire.records import Presence
from simulator import demo_view
from simulator.bench.car import BrokerName, Car
from simulator.bench.car_config import Options
from simulator.bench.line import State
from simulator.centre import Centre
from simulator.demo_facts import Facts
from simulator.demo_terminal import END, Terminal
from simulator.reckoning import Fate

FRAME_S = 0.1
"""The bar's shortest flash is 80 ms: a slower picture would show it at random."""

LOOK_S = 0.25
"""The figures change four times a second; faster nobody can read them."""

PRESS_S = 1.0
RESTART_S = 2.0
"""systemd's RestartSec."""


class Demo:
    """Runs until the person has seen enough; `run` gives the exit code."""

    def __init__(self, directory: Path, options: Options, broker: BrokerName) -> None:
        self._car = Car(directory, options, broker)
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._keys: dict[str, Callable[[], None]] = {
            "p": self._press,
            "a": self._acknowledge,
            "c": self._clear,
            "n": self._cut,
            "b": self._black_hole,
            "k": self._kill,
            "u": self._unplug,
            "i": self._ignition,
        }

    def run(self) -> int:
        """Start everything, show it, stop everything."""
        console = Console()
        console.print("前哨 OUTPOST: 启动 starting broker, car and agent ...")
        # The terminal comes first, so that a Ctrl-C while things start or stop also leaves in order.
        with Terminal() as terminal, self._car as car, contextlib.closing(Centre(car.broker.url)) as self._centre:
            self._centre.start()
            self._centre.wait_until_listening()
            self._facts = Facts(car, self._centre, type(car.broker).__name__.lower())
            car.start_agent()
            self._facts.did("程序启动 the agent starts: outpost run")
            with Live(console=console, screen=True, auto_refresh=False) as live:
                self._play(terminal, live, console)
            console.print("停止 stopping ...")
            car.stop_agent()
            if car.line.state is State.OPEN:
                with contextlib.suppress(TimeoutError):  # what it said at the end is on its way through the broker
                    self._centre.wait_for(lambda a: isinstance(a.record, Presence) and a.record.reason == "stopped", timeout=1.0)
            self._facts.look()
            self._facts.reckon(settled_at=0.0)
        self._sum_up(console)
        return 0

    def _play(self, terminal: Terminal, live: Live, console: Console) -> None:
        """The loop: keys, what is due, a picture."""
        look_at = frame_at = 0.0
        while True:
            for key in terminal.keys(frame_at - time.monotonic()):
                if key == END:
                    return
                if key in self._keys:
                    self._keys[key]()
                    look_at = 0.0
            while self._later and self._later[0][0] <= time.monotonic():
                heapq.heappop(self._later)[2]()
            now = time.monotonic()
            if now < frame_at:
                continue
            frame_at = now + FRAME_S
            if now >= look_at:
                look_at = now + LOOK_S
                self._facts.look()
                self._watch_agent()
            width, height = console.size
            room = width >= demo_view.WIDTH_MIN and height >= demo_view.HEIGHT_MIN
            live.update(demo_view.screen(self._facts) if room else demo_view.too_small(width, height), refresh=True)

    def _after(self, seconds: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._later, (time.monotonic() + seconds, next(self._order), do))

    # --- keys -----------------------------------------------------------------------------------------------------------------------

    def _press(self) -> None:
        if time.monotonic() < self._facts.pressed_until:
            return
        at = self._car.press()
        self._facts.pressed_until = at + PRESS_S
        self._facts.did("按下报警按钮 1 秒 the panic button is pressed for 1 s")
        self._after(PRESS_S, self._release)

    def _release(self) -> None:
        self._car.release()

    def _acknowledge(self) -> None:
        self._answer("确认 acknowledge", self._centre.acknowledge)

    def _clear(self) -> None:
        self._answer("解除 clear", lambda unit, alarm: self._centre.clear(unit, alarm, "demo"))

    def _answer(self, what: str, say: Callable[[str, str], str]) -> None:
        live = self._facts.alarms.live
        if not live:
            self._facts.did(f"{what}: 中心没有报警 the centre knows of no alarm")
            return
        try:
            say(live[-1].unit, live[-1].id)
        except ConnectionError as e:
            self._facts.did(f"{what}: {e}")
            return
        waits = "" if self._car.line.state is State.OPEN else "，等网络恢复 it waits for the network"
        self._facts.did(f"中心发出 the centre says: {what}{waits}")

    def _cut(self) -> None:
        if self._car.line.state is State.OPEN:
            self._car.line.cut()
            self._facts.did("断网 the network is cut")
        else:
            self._car.line.restore()
            self._facts.did("网络恢复 the network is back; 程序自行重连 the agent finds out by itself")

    def _black_hole(self) -> None:
        if self._car.line.state is State.BLACK_HOLE:
            self._cut()
        else:
            self._car.line.black_hole()
            self._facts.did("黑洞 black hole: 连接还在，什么都不通 connections stay, nothing passes")

    def _kill(self) -> None:
        if self._car.pid is None:
            return
        self._car.kill_agent()
        self._facts.did("kill -9; 2 秒后重启 it is started again in 2 s, as systemd would")
        self._restart_later()

    def _unplug(self) -> None:
        if self._car.unplugged and self._car.unplugged[-1].until is None:
            self._car.plug()
            self._facts.did("接收机插上 the receiver is plugged in")
        else:
            self._car.unplug()
            self._facts.did("接收机拔出 the receiver is unplugged")

    def _ignition(self) -> None:
        self._facts.ignition = not self._facts.ignition
        self._car.ignition(self._facts.ignition)
        self._facts.did("点火 ignition on" if self._facts.ignition else "熄火 ignition off")

    # --- the agent as systemd keeps it ------------------------------------------------------------------------------------------------

    def _watch_agent(self) -> None:
        if self._car.pid is None and self._facts.restart_at is None:
            self._facts.did(f"程序自行退出 the agent ended by itself, exit code {self._car.exit_code}: {self._car.last_words}")
            self._restart_later()

    def _restart_later(self) -> None:
        self._facts.restart_at = time.monotonic() + RESTART_S
        self._after(RESTART_S, self._restart)

    def _restart(self) -> None:
        self._facts.restart_at = None
        if self._car.pid is None:
            self._facts.did(f"程序重启 the agent is started again, pid {self._car.start_agent()}")

    # --- the end ----------------------------------------------------------------------------------------------------------------------

    def _sum_up(self, console: Console) -> None:
        account = self._facts.account
        if account is None:
            return
        told = ", ".join(f"{fate.value} {n}" for fate in Fate if (n := account.count(fate)))
        alarms = len(self._facts.alarms.alarms)
        console.print(f"定位 fixes: emitted {len(account.epochs)}: {told}; 报警 alarms: {alarms}", highlight=False)
        if account.count(Fate.WAITING):
            console.print("waiting: not delivered when you quit; a unit has them on disk and delivers them the next time", highlight=False)
