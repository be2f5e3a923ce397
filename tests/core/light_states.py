"""What tests of the lights build with: a car with a bar, work lights, a lamp and a buzzer, and its lights in every state."""

from collections.abc import Callable, Iterable, Sequence

from agent.config import Output as OutputConfig
from agent.config import Show
from agent.core.effects import ShowLights
from agent.core.events import LightsAsked, LightsShown, LightsTurned, OutputFailed, Started
from agent.core.lights import Lights
from agent.core.part import Output
from agent.core.shows import Shows
from tests.core.builders import Bench, of

OUTPUTS = (
    OutputConfig(id="red", pin=5),
    OutputConfig(id="blue", pin=6),
    OutputConfig(id="work", group="scene", pin=7),
    OutputConfig(id="lamp", use="panic_lamp", pin=13),
    OutputConfig(id="buzzer", use="buzzer", pin=16),
    OutputConfig(id="mark", use="recorder_mark", pin=20),
)
REST = {"lamp": "off", "buzzer": "off"}
DARK = {"red": "off", "blue": "off", "work": "off"} | REST
CRUISE = {"red": "on", "blue": "on", "work": "off"} | REST
RESPONSE = {"red": "flash_a", "blue": "flash_b", "work": "off"} | REST
SCENE = {"red": "slow_a", "blue": "slow_b", "work": "on"} | REST
PLAYED = {"off": DARK, "cruise": CRUISE, "response": RESPONSE, "scene": SCENE, "dark_approach": DARK}


def made(shows: Sequence[Show] = (), outputs: Sequence[OutputConfig] = OUTPUTS) -> Bench:
    """Lights that have started."""
    bench = Bench(Lights(outputs, Shows(shows, outputs)))
    bench.feed(Started(0.0))
    return bench


def answered(*wishes: LightsAsked) -> Bench:
    """At 9.9 all is as commanded, and the outputs have said so."""
    bench = made()
    bench.feed(LightsShown(0.1, DARK), *wishes)
    bench.feed(LightsShown(9.9, PLAYED[lights(bench).winner()[0]]))
    return bench


def lights(bench: Bench) -> Lights:
    """The part on the bench."""
    assert isinstance(bench.part, Lights)
    return bench.part


def asked(by: str, show: str | None, at: float = 9.0) -> LightsAsked:
    """A wish."""
    return LightsAsked(at, by, show)


def played(outs: Iterable[Output]) -> dict[str, str] | None:
    """What the outputs are asked to play, by output; None when nothing is asked."""
    found = of(ShowLights, outs)
    return {name: pattern.name for name, pattern in found[-1].outputs.items()} if found else None


def turned(outs: Iterable[Output]) -> list[tuple[str, str | None, dict[str, bool | None]]]:
    """What the others are told of the lights."""
    return [(out.show, out.by, out.playing) for out in of(LightsTurned, outs)]


def unanswered() -> Bench:
    """Panic asked, and the outputs have not said anything since."""
    bench = answered()
    bench.feed(asked("panic", "response", 9.95))
    return bench


def silent() -> Bench:
    """The same, for longer than anybody waits."""
    bench = made()
    bench.feed(LightsShown(0.1, DARK), asked("panic", "response", 5.5))
    bench.until(9.99)
    return bench


def failed() -> Bench:
    """One lamp's output has failed while an alarm is shown."""
    bench = answered(asked("panic", "response"))
    bench.feed(OutputFailed(9.95, "red", "gone"))
    return bench


STATES: dict[str, Callable[[], Bench]] = {
    "off": answered,
    "cruise": lambda: answered(asked("cruise", "cruise")),
    "remote": lambda: answered(asked("remote", "scene")),
    "task": lambda: answered(asked("task", "response")),
    "hidden": lambda: answered(asked("task", "dark_approach")),
    "panic": lambda: answered(asked("panic", "response")),
    "hand": lambda: answered(asked("hand", "cruise")),
    "unanswered": unanswered,
    "silent": silent,
    "failed": failed,
}
ASKS: dict[str, tuple[str, str] | None] = {
    "off": None,
    "cruise": ("cruise", "cruise"),
    "remote": ("remote", "scene"),
    "task": ("task", "response"),
    "hidden": ("task", "dark_approach"),
    "panic": ("panic", "response"),
    "hand": ("hand", "cruise"),
    "unanswered": ("panic", "response"),
    "silent": ("panic", "response"),
    "failed": ("panic", "response"),
}
"""The only row that asks in each state, and for what."""
