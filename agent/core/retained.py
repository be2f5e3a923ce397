"""Retained states: what the parts say is so goes in; which of it is to be published next comes out; the latest of each name wins."""

from agent.core.events import StateChanged

TOLD_ANEW = ("presence", "health")
"""What others say anew for each link: presence with the nonce of the session, health as it is now."""


class Retained:
    """The latest of each state, and which of them the broker does not have yet."""

    def __init__(self) -> None:
        self._latest: dict[str, StateChanged] = {}
        self._due: dict[str, None] = {}

    def __bool__(self) -> bool:
        return bool(self._due)

    def changed(self, changed: StateChanged) -> None:
        """It is so now."""
        self._latest[changed.name] = changed
        self._due[changed.name] = None

    def link_up(self) -> None:
        """The broker may be another one: it is told everything."""
        self._due = {name: None for name in self._latest if name not in TOLD_ANEW}

    def again(self, *names: str) -> None:
        """These have not arrived."""
        self._due |= dict.fromkeys(names)

    def take(self) -> StateChanged:
        """The next one that is due."""
        name = next(iter(self._due))
        del self._due[name]
        return self._latest[name]
