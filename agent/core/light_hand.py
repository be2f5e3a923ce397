"""The officer's hand on the lights: his switches and his page go in; what the row `hand` asks for comes out.

Theory. A switch asks for its `show` for as long as it is on; of several that are on, the first in the config. So a slide switch whose
positions are inputs never asks for nothing between two of them, and after a restart the switches say the same as before. The page asks
once (`lights.hand`), and holds until a switch is moved: the newest hand counts. It is forgotten at a restart, unlike a switch.
"""

from collections.abc import Callable, Sequence

from agent.config import Input, InputUse
from agent.core.effects import Answer
from agent.core.events import ActionTaken, Event, InputChanged, LightsAsked
from agent.core.part import Output, Outputs, Part
from agent.wire.whys import Why, refused, why

ACTION = "lights.hand"


class LightHand(Part):
    """The highest row of the table of rights."""

    name = "light_hand"
    listens = (InputChanged, ActionTaken)
    actions = (ACTION,)

    def __init__(self, inputs: Sequence[Input], refuses: Callable[[str, str], Why | None]) -> None:
        """`refuses(row, show)`: why that row cannot have that show, None when it can."""
        switches = {i.id: i.show for i in inputs if i.use is InputUse.LIGHT_HAND and i.show is not None}
        self._switches = {name: show for name, show in switches.items() if refuses("hand", show) is None}
        self._refuses = refuses
        self._on: set[str] = set()
        self._page: str | None = None
        self._asked: str | None = None

    def handle(self, event: Event) -> Outputs:
        """A switch is moved, or something is chosen on the page."""
        match event:
            case InputChanged(input=name, active=active, first=first) if name in self._switches:
                self._on = self._on | {name} if active else self._on - {name}
                self._page = self._page if first else None
                return self._ask(event.at)
            case ActionTaken(action="lights.hand"):
                return self._choose(event)
        return ()

    def _choose(self, action: ActionTaken) -> list[Output]:
        show = action.body.get("show", ...)
        if show is not None and not isinstance(show, str):
            return [Answer(action.asker, refused(why("show_malformed", action=ACTION)))]
        refusal = None if show is None else self._refuses("hand", show)
        if refusal is not None:
            return [Answer(action.asker, refused(refusal))]
        self._page = show
        asks = self._ask(action.at)
        return [*asks, Answer(action.asker, {"done": ACTION, "show": self._asked})]

    def _ask(self, at: float) -> list[Output]:
        switched = next((show for name, show in self._switches.items() if name in self._on), None)
        show = switched if self._page is None else self._page
        was, self._asked = self._asked, show
        return [LightsAsked(at, "hand", show)] if show != was else []
