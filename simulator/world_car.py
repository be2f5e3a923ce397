"""The vehicle as the world has it: buttons, ignition, light bar and the machine itself; out come the events of their adapters.

An officer presses a button now and then, long enough or not, and its contacts bounce. The receiver is in `world_receiver`.
"""

from typing import TYPE_CHECKING

from agent.config import Config
from agent.core.effects import ShowLights
from agent.core.events import ClockRead, Edge, InputsFailed, Levels, LightsShown, Vitals
from agent.core.phrasebook import Phrasebook
from simulator.facts import PressBegan, PressEnded, Pulse
from simulator.world_receiver import WorldReceiver

if TYPE_CHECKING:
    from simulator.world import World

PRESS_EVERY_S = 1800.0
"""Mean time between two presses of a button: far more than in the field, so that a day sees them in every weather."""

SHORT_PRESS_S = (0.05, 0.25)
LONG_PRESS_S = (0.6, 4.0)
SHORT_SHARE = 0.3
"""Presses that must not, and that must, raise an alarm; what lies between is nobody's promise."""

BOUNCE_S = 0.012
"""Contacts of an industrial button bounce for some milliseconds."""

ON_DUTY_S = (1200.0, 9000.0)
OFF_DUTY_S = (120.0, 2400.0)
"""How long the ignition is on, and off."""

PULSE_S_MAX = 0.025
"""Noise is shorter than the shortest honest press by far; the debounce is 30 ms."""

LIGHTS_S = 0.004
MACHINE_TURN_S = 10.0


class WorldCar:
    """All devices of one vehicle."""

    def __init__(self, world: "World", config: Config, book: Phrasebook | None, seed: int) -> None:
        self._world = world
        self._config = config
        self.level = {i.id: False for i in config.input}
        self._meant = dict(self.level)
        self._held: dict[str, float] = {}
        self._noisy: set[str] = set()
        self._buttons = [i.id for i in config.input if i.use.value == "panic"]
        self._ignitions = [i.id for i in config.input if i.use.value == "ignition"]
        self.shown: dict[str, str] = {}
        self._process = 0
        self.receiver = WorldReceiver(world, config.gnss, book, seed, self._moves)
        # faults
        self.clock_unread = False
        self.mute_outputs = False
        self.inputs_failed = False
        self.noise_every_s: float | None = None

    # --- the process --------------------------------------------------------------------------------------------------------------

    def boot(self, cold: bool) -> None:
        """The adapters start. `cold`: after power, so the receiver has to find its satellites again."""
        self._process += 1
        self._world.after(0.01, self._turn_inputs, self._process)
        self._world.after(0.02, self._turn_machine, self._process)
        self.receiver.boot(cold)

    def crash(self) -> None:
        """Nobody drives the pins any more: they fall to their safe level."""
        self._process += 1
        self.shown = {}
        self.receiver.crash()

    def live(self) -> None:
        """The world begins: the receiver speaks, people press and drive."""
        self._world.after(0.5, self.receiver.speak)
        for button in self._buttons:
            self._plan_press(button)
        for ignition in self._ignitions:
            self._turn_key(ignition, True)

    def _moves(self) -> bool:
        """Whether the car is under way, red lights apart."""
        return any(self.level[ignition] for ignition in self._ignitions)

    # --- inputs -------------------------------------------------------------------------------------------------------------------

    def _turn_inputs(self, process: int) -> None:
        if process != self._process:
            return
        if self.inputs_failed:
            self._world.post(InputsFailed(self._world.mono(), "pin 17 cannot be read"))
        else:
            self._world.post(Levels(self._world.mono(), dict(self.level)))
        self._world.tell(Pulse())
        self._world.after(self._world.pace.levels_s, self._turn_inputs, process)

    def _set(self, name: str, active: bool) -> None:
        if self.level[name] is not active:
            self.level[name] = active
            if not self.inputs_failed:
                self._world.post(Edge(self._world.mono(), name, active))

    def _bounce(self, name: str, active: bool) -> float:
        """Contacts close or open: some edges from now on; after how many seconds they are still."""
        rng = self._world.rng
        self._meant[name] = active
        times = sorted(rng.random() * BOUNCE_S for _ in range(2 * rng.randrange(4)))
        self._set(name, active)
        for n, wait in enumerate(times):
            self._world.after(wait, self._set, name, active ^ (n % 2 == 0))
        return times[-1] if times else 0.0

    def _plan_press(self, button: str) -> None:
        self._world.after(1.0 + self._world.rng.expovariate(1 / PRESS_EVERY_S), self._press_now_and_then, button)

    def _press_now_and_then(self, button: str) -> None:
        rng = self._world.rng
        if self._world.people:
            self.press(button, rng.uniform(*(SHORT_PRESS_S if rng.random() < SHORT_SHARE else LONG_PRESS_S)))
        self._plan_press(button)

    def press(self, button: str, held_s: float) -> None:
        """A hand on a button, for so long without bouncing; nothing when there is one already."""
        if button in self._held:
            return
        self._held[button] = self._world.now
        self._world.tell(PressBegan(button))
        steady = self._bounce(button, True)
        self._world.after(steady + held_s, self._release, button, self._world.now + steady)

    def _release(self, button: str, steady_at: float) -> None:
        self._world.tell(PressEnded(button, self._held[button], steady_at))
        self._world.after(self._bounce(button, False) + 2.0, self._held.pop, button)

    def stick(self, lasts_s: float) -> None:
        """A button stays down for so long."""
        self.press(self._world.rng.choice(self._buttons), lasts_s)

    def _turn_key(self, ignition: str, active: bool) -> None:
        self._bounce(ignition, active)
        self._world.after(self._world.rng.uniform(*(ON_DUTY_S if active else OFF_DUTY_S)), self._turn_key, ignition, not active)

    # --- noise --------------------------------------------------------------------------------------------------------------------

    def disturb(self, every_s: float) -> None:
        """Pulses on the inputs from now on, so many seconds apart on average."""
        self.noise_every_s = every_s
        self._pulse(every_s)

    def _pulse(self, every_s: float) -> None:
        if self.noise_every_s != every_s:
            return
        rng = self._world.rng
        name = rng.choice(list(self.level))
        if name not in self._noisy:
            self._noisy.add(name)
            self._set(name, not self.level[name])
            self._world.after(rng.uniform(0.0005, PULSE_S_MAX), self._calm, name)
        self._world.after(rng.expovariate(1 / every_s), self._pulse, every_s)

    def _calm(self, name: str) -> None:
        """The pulse is over; a hand that came or went meanwhile has the last word."""
        self._noisy.discard(name)
        self._set(name, self._meant[name])

    # --- outputs ------------------------------------------------------------------------------------------------------------------

    def show(self, effect: ShowLights) -> None:
        """Play what is asked, and say so."""
        if not self.mute_outputs:
            self._world.after(LIGHTS_S, self._play, self._process, {output: pattern.name for output, pattern in effect.outputs.items()})

    def _play(self, process: int, shown: dict[str, str]) -> None:
        if process == self._process and not self.mute_outputs:
            self.shown = shown
            self._world.post(LightsShown(self._world.mono(), dict(shown)))

    # --- the machine --------------------------------------------------------------------------------------------------------------

    def _turn_machine(self, process: int) -> None:
        if process != self._process:
            return
        if not self.clock_unread:
            utc_ms, synchronized, err_ms = self._world.system_clock.read()
            self._world.post(ClockRead(self._world.mono(), utc_ms, synchronized, err_ms))
        self._world.post(Vitals(self._world.mono(), 40_000_000, 55.0, 10_000_000_000))
        self._world.after(MACHINE_TURN_S, self._turn_machine, process)
