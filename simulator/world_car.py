"""The vehicle as the world has it: its switches, light bar, recorder and the machine itself; out come the events of their adapters.

Hands are in `world_hands`, contacts and wires in `world_switch`, noise in `world_noise`, lamps in `world_lamps`, the receiver in
`world_receiver`.
"""

from typing import TYPE_CHECKING

from agent.config import Config
from agent.core.effects import PulseOutput, ShowLights
from agent.core.events import ClockRead, Edge, InputsFailed, Levels, Vitals
from agent.core.phrasebook import Phrasebook
from simulator.facts import Pulse
from simulator.world_hands import Hands
from simulator.world_lamps import WorldLamps
from simulator.world_noise import Noise
from simulator.world_receiver import WorldReceiver
from simulator.world_switch import Switch

if TYPE_CHECKING:
    from simulator.world import World

MACHINE_TURN_S = 10.0

BEATS = 3
"""A recorder's heartbeat turns so often in the time after which it is called silent."""


class WorldCar:
    """All devices of one vehicle."""

    def __init__(self, world: "World", config: Config, book: Phrasebook | None, seed: int) -> None:
        self._world = world
        self._config = config
        self.level: dict[str, bool] = {}
        """What each line reads."""
        self.inputs_failed = False
        self.touched_at = 0.0
        """When a switch or a wire was last touched, or the lamps were told something else."""
        self.switches = {i.id: Switch(world, i, self._drive) for i in config.input}
        self.noise = Noise(world, list(self.switches.values()))
        self.hands = Hands(world, config, self.switches)
        senses = {i.senses or "bar": self.switches[i.id] for i in config.input if i.use.value == "light_sense"}
        self.lamps = WorldLamps(world, config, senses, leds=seed % 2 == 0 and len(senses) > 1)
        self.recorders = [i for i in config.input if i.use.value == "recorder_alive"]
        self._process = 0
        self.receiver = WorldReceiver(world, config.gnss, book, seed, self._moves)
        # faults
        self.clock_unread = False
        self.supply_low = False
        self.recorder_dead = False

    # --- the process --------------------------------------------------------------------------------------------------------------

    def boot(self, cold: bool) -> None:
        """The adapters start. `cold`: after power, so the receiver has to find its satellites again."""
        self._process += 1
        self._world.after(0.01, self._turn_inputs, self._process)
        self._world.after(0.02, self._turn_machine, self._process)
        self.receiver.boot(cold)

    def crash(self) -> None:
        """Nobody drives the pins any more."""
        self._process += 1
        self.lamps.crash()
        self.receiver.crash()

    def live(self) -> None:
        """The world begins: the receiver speaks, people press and drive."""
        self._world.after(0.5, self.receiver.speak)
        self.lamps.crash()
        self.hands.live()
        for recorder in self.recorders:
            self._beat(recorder.id, recorder.alive_s / BEATS)

    def _moves(self) -> bool:
        """Whether the car is under way, red lights apart."""
        return any(self.switches[key].on for key in self.hands.keys)

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

    def _drive(self, line: str, active: bool) -> None:
        if self.level.get(line) is not active:
            self.level[line] = active
            if not self.inputs_failed:
                self._world.post(Edge(self._world.mono(), line, active))

    def press(self, button: str, held_s: float) -> None:
        """See `Hands.press`."""
        self.hands.press(button, held_s)

    def _beat(self, recorder: str, every_s: float) -> None:
        """Of a recorder that tells of its life by changes, or by its level."""
        switch = self.switches[recorder]
        if self.recorder_dead:
            switch.turn(switch.on and bool(every_s), bounces=False)
        else:
            switch.turn(not switch.on or not every_s, bounces=False)
        self._world.after(every_s or 1.0, self._beat, recorder, every_s)

    # --- outputs ------------------------------------------------------------------------------------------------------------------

    def perform(self, effect: ShowLights | PulseOutput) -> None:
        """See `WorldLamps.perform`."""
        self.lamps.perform(effect)

    # --- the machine --------------------------------------------------------------------------------------------------------------

    def _turn_machine(self, process: int) -> None:
        if process != self._process:
            return
        if not self.clock_unread:
            utc_ms, synchronized, err_ms = self._world.system_clock.read()
            self._world.post(ClockRead(self._world.mono(), utc_ms, synchronized, err_ms))
        self._world.post(Vitals(self._world.mono(), 40_000_000, 55.0, 10_000_000_000, self.supply_low))
        self._world.after(MACHINE_TURN_S, self._turn_machine, process)
