"""Link: the broker's word goes in; when and where to connect, and who we are when we do, comes out.

Theory. One attempt at a time, each with a number; what an older attempt says is not heard.

    waiting      until the time for the next attempt; the first one waits for the store, which remembers the version of each endpoint
    connecting   the attempt has a bound; MQTT 5 first, 3.1.1 at once when the broker does not speak it (remembered per endpoint)
    online       until it ends, or the broker acknowledges nothing for too long; proved by the first acknowledgement, or by having lasted;
                 or until we leave it ourselves, at a quiet moment, for a better endpoint or for new certificate files
    ended        we were asked to stop

`endpoints.py` knows which endpoint is next, and when the first is asked again. The wait doubles from a second to half a minute each time
the list is through, with jitter, so that a hundred cars do not come back in one second. A link that is not proved counts as one more
attempt that failed: a broker that accepts us and closes is not asked every second, and is told as a fault like one that cannot be
reached.

While an alarm is not acknowledged by the centre the line is watched closely (`WatchLink`), attempts follow each other within a second, and
a link that works is never left.
"""

import enum
import math
import zlib
from collections.abc import Callable
from typing import Any

from agent.core.effects import Connect, Disconnect, Note, Probe, Remember, Subscribe, WatchLink
from agent.core.endpoints import Endpoints
from agent.core.events import (
    Acked,
    AlarmChanged,
    CertificateSeen,
    Event,
    FaultSeen,
    LinkDown,
    LinkStalled,
    LinkUp,
    OutageAsked,
    Probed,
    SpoolDown,
    SpoolOpened,
    Started,
    StateChanged,
    StopRequested,
    Subscribed,
)
from agent.core.names import Names
from agent.core.part import Output, Outputs, Part
from agent.wire import codec, topics
from agent.wire.records import VERSION, Presence

MEMORY_S_MAX = 1.0
"""The first attempt waits this long for the store's memory; a card that takes longer must not keep the unit from the network."""

CONNECT_S_MAX = 15.0
"""DNS, TCP, TLS and CONNECT over a bad line in the mountains; after that the next endpoint is the better bet."""

FIVE_AGAIN_S = 86_400.0
FIVE_AGAIN_BOOTS = 8
"""A broker that took only MQTT 3.1.1 may have been renewed: 5 is tried again after a day, and by about every eighth boot."""

SUBSCRIBE_S_MAX = 10.0
"""A broker that lets us publish and does not answer a subscription would leave the car deaf."""

WAIT_S_MIN = 1.0
WAIT_S_MAX = 30.0
JITTER = 0.5
"""Each wait is shortened by up to this share."""

FAULT_AFTER_S = 60.0
"""A link lost for less is ordinary (a tunnel); longer is a fault."""

PROVED_S = 10.0
"""A link that has lasted so long is one, although nothing was acknowledged: there may have been nothing to say."""

WAIT_URGENT_S = 1.0
"""While somebody needs help the wait is no longer than this, and the press itself tries at once."""

WATCH_S = 3.0
"""While somebody needs help a dead line is found within this. Measured: a line of 9.6 kbit/s, full and alive, is not taken for dead."""

LEAVE_LOOK_S = 1.0
LEAVE_S_MAX = 60.0
"""A link that is to be left is left when nothing is under way, looked for so often; after so long at any moment, but never in an alarm."""

RETURN_CONNECT_S_MAX = 5.0
RETURN_CONNECT_S_URGENT = 2.0
"""Somebody listens there, a moment ago; if that is not a link soon, the one that works is the better bet."""


class State(enum.Enum):
    """Where the link stands."""

    WAITING = "waiting"
    CONNECTING = "connecting"
    ONLINE = "online"
    ENDED = "ended"


class Link(Part):
    """The connection to the broker."""

    name = "link"
    listens = (
        *(Started, LinkUp, LinkDown, LinkStalled, Acked, Subscribed, SpoolOpened, SpoolDown),
        *(AlarmChanged, Probed, CertificateSeen, OutageAsked, StopRequested),
    )

    def __init__(
        self,
        endpoints: tuple[str, ...],
        root: str,
        groups: tuple[str, ...],
        names: Names,
        version: str,
        quiet: Callable[[], bool] = lambda: True,
    ) -> None:
        """`quiet`: whether nothing is under way to the broker that would have to be sent again."""
        self._endpoints = Endpoints(endpoints)
        self._quiet = quiet
        self._root = root
        self._names = names
        self._version = version
        self._topics = topics.subscriptions(root, names.unit, groups)
        self.state = State.WAITING
        self._attempt = 0
        self._protocols = dict.fromkeys(endpoints, 5)
        self._protocol = 5
        self._old_since: dict[str, float] = {}
        self._noted_old: set[str] = set()
        self._reason = "not tried yet"
        self._since = -math.inf
        self._act_at = math.inf
        self._held_until = -math.inf
        self._subscribe_by = math.inf
        self._fault_at = math.inf
        self._proved_at = math.inf
        self._leave_at = math.inf
        self._leave_by = math.inf
        self._leave_why = ""
        self._leaving = False
        self._files = 0
        self._stopping = False
        self._unheard: dict[str, None] = {}
        self._up_at = -math.inf
        self._limits: dict[str, int | None] = {}
        self._last_end: str | None = None
        self.connects = 0

    @property
    def deadline(self) -> float:
        """The next attempt, the end of this one's patience, when a link is proved or left, or when a lost one becomes a fault."""
        if self.state is State.ONLINE:  # the fault may wait: the link may be about to prove itself
            return min(self._act_at, self._subscribe_by, self._proved_at, self._leave_at, self._endpoints.return_at)
        return min(self._act_at, self._fault_at)

    @property
    def endpoint(self) -> str:
        """The endpoint that is tried or connected now."""
        return self._endpoints.current

    def handle(self, event: Event) -> Outputs:
        """Take the broker's word, or a wish to start or stop."""
        match event:
            case Started():
                self._since = event.at
                self._fault_at = event.at + FAULT_AFTER_S
                self._act_at = event.at + MEMORY_S_MAX
            case LinkUp() if self.hears(event):
                return self._up(event)
            case LinkDown() if self.hears(event):
                return self._down(event.at, event.reason, event.wrong_protocol)
            case LinkStalled(reason=reason) if self.state is State.ONLINE:
                return self._give_up(event.at, reason)
            case Acked() if self._proved_at < math.inf:
                return self._prove(event.at)
            case Subscribed(attempt=attempt, refused=refused) if attempt == self._attempt and self.state is State.ONLINE:
                self._subscribe_by = math.inf
                return [FaultSeen(event.at, "link.subscription", bool(refused), ", ".join(refused))]
            case SpoolOpened() | SpoolDown():
                return self._begin(event.at, event.memory if isinstance(event, SpoolOpened) else {})
            case AlarmChanged(alarm_id=alarm, state=state):
                return self._hurry(event.at, alarm, state)
            case Probed(endpoint=endpoint, well=True) if endpoint == self._endpoints.first and self._endpoints.away:
                self._wish_to_leave(event.at, f"{endpoint} answers again")
            case CertificateSeen(version=version) if version > self._files:
                known, self._files = self._files, version
                if known:  # what is there at the start is what the first link is made with
                    self._wish_to_leave(event.at, "the certificate files have changed")
            case OutageAsked(until=until) if not self._unheard:
                return self._hold(event.at, until)
            case StopRequested():
                self._stopping = True
                return [self._presence(event.at)] if self.state is State.ONLINE else ()
        return ()

    def hears(self, event: Event) -> bool:
        """Whether that word of the broker is about the present attempt, and news; nobody in the unit needs to hear any other."""
        match event:
            case LinkUp(attempt=attempt):
                return attempt == self._attempt and self.state is State.CONNECTING
            case LinkDown(attempt=attempt):
                return attempt == self._attempt and self.state in (State.CONNECTING, State.ONLINE)
        return True

    def expire(self) -> Outputs:
        """Try again, give up an attempt, believe in a link, leave it, or call the lost one a fault."""
        at = self.deadline
        if self.state is State.ONLINE and at in (self._leave_at, self._endpoints.return_at):
            return self._leave(at) if at == self._leave_at else [Probe(self._endpoints.probe(at))]
        if at == self._fault_at and self.state is not State.ONLINE:
            self._fault_at = math.inf
            return [FaultSeen(at, "link.down", True, f"{self.endpoint}: {self._reason}")]
        if at == self._subscribe_by:
            return self._give_up(at, f"no answer to the subscription in {SUBSCRIBE_S_MAX:.0f} s")
        if at == self._proved_at:
            return self._prove(at)
        if self.state is State.WAITING:
            return self._connect(at)
        return self._give_up(at, f"no answer in {CONNECT_S_MAX:.0f} s")

    def _begin(self, at: float, memory: dict[str, bytes]) -> Outputs:
        """The store has spoken: the first attempt, unless it was made without it."""
        self._recall(memory)
        return self._connect(at) if self.state is State.WAITING and not self._attempt else ()

    def _hurry(self, at: float, alarm: str, state: str) -> Outputs:
        """An alarm that nobody has seen yet does not wait for the next attempt, nor does one of a walk test: it goes the same way."""
        if state == "cancel_requested":
            return ()  # a wish of the officer: nobody has seen anything by that
        watched = bool(self._unheard)
        self._unheard.pop(alarm, None)
        if state in ("raised", "repeated"):
            self._unheard[alarm], self._held_until = None, -math.inf
            if self.state is State.WAITING:
                self._act_at = min(self._act_at, at)
            if self.state is State.CONNECTING and self._endpoints.returning:
                self._act_at = min(self._act_at, at + RETURN_CONNECT_S_URGENT)
        if self.state is State.ONLINE and watched != bool(self._unheard):
            return [self._watch()]
        return ()

    def _watch(self) -> WatchLink:
        return WatchLink(self._attempt, WATCH_S if self._unheard else 0.0)

    def _wish_to_leave(self, at: float, why: str) -> None:
        """The present link is to be left as soon as it costs nothing."""
        if self.state in (State.CONNECTING, State.ONLINE):
            self._leave_at, self._leave_why = at, why
            self._leave_by = min(self._leave_by, at + LEAVE_S_MAX)

    def _leave(self, at: float) -> Outputs:
        """Leave it now, or look again: never in an alarm, and rather when nothing is under way."""
        if self._stopping or self._unheard or not (self._quiet() or at >= self._leave_by):
            self._leave_at = at + LEAVE_LOOK_S
            return ()
        self._leaving = True
        return self._give_up(at, self._leave_why)

    def _hold(self, at: float, until: float) -> Outputs:
        """No link until then; none of it is the endpoint's fault."""
        self._held_until = until
        if self.state is State.WAITING and at >= until:
            self._act_at = at
        if self.state is not State.ONLINE or at >= until:
            return ()
        self._leaving = True
        return self._give_up(at, "an outage was asked for")

    def _connect(self, at: float) -> Outputs:
        self.state = State.CONNECTING
        self._attempt += 1
        self._act_at = at + (RETURN_CONNECT_S_MAX if self._endpoints.returning else CONNECT_S_MAX)
        self._protocol = self._protocols[self.endpoint]
        topic = topics.state(self._root, self._names.unit, "presence")
        return [Connect(self._attempt, self.endpoint, self._protocol, topic, self._will(at))]

    def _will(self, at: float) -> bytes:
        """What the broker says for us when we are gone without a word. It has no time: nobody knows when that will be."""
        will = Presence(
            v=VERSION, unit=self._names.unit, kind="presence", boot=self._names.boot, mono=round(at * 1000), online=False, reason="lost"
        )
        return codec.encode(will)

    def _up(self, up: LinkUp) -> Outputs:
        self.state = State.ONLINE
        self.connects += 1
        self._since = self._up_at = up.at
        self._act_at = math.inf
        self._endpoints.up(up.at)
        self._limits = {"receive_max": up.receive_max, "packet_bytes_max": up.packet_bytes_max}
        self._subscribe_by, self._proved_at = up.at + SUBSCRIBE_S_MAX, up.at + PROVED_S
        self._reason = ""
        return [
            self._presence(up.at),
            Subscribe(self._attempt, self._topics),
            *([self._watch()] if self._unheard else []),
            *self._renewed(),
            Note("info", f"connected to {up.endpoint}, MQTT {'5' if up.protocol == 5 else '3.1.1'}"),
        ]

    def _renewed(self) -> list[Output]:
        """What is remembered of a broker that takes MQTT 5 by now is forgotten."""
        if self._protocol != 5 or self.endpoint not in self._noted_old:
            return []
        self._noted_old.remove(self.endpoint)
        return [Remember(f"mqtt {self.endpoint}", None)]

    def _prove(self, at: float) -> Outputs:
        """The link is good for something: what went before it is forgotten."""
        self._fault_at, self._proved_at = math.inf, math.inf
        self._endpoints.proved()
        return [FaultSeen(at, "link.down", False)]

    def _presence(self, at: float) -> StateChanged:
        if self._stopping:
            return StateChanged(at, "presence", Presence(online=False, reason="stopped", version=self._version))
        return StateChanged(at, "presence", Presence(online=True, version=self._version, nonce=self._nonce()))

    def _nonce(self) -> str:
        """New for each session, so that an order made for an earlier one is known as such."""
        return f"{self._names.boot}{self._attempt:08x}"

    def _give_up(self, at: float, reason: str) -> Outputs:
        """End it ourselves; everybody hears of it as of any other end, the centre too if we are not back soon."""
        return [Disconnect(self._attempt, will=True), LinkDown(at, self._attempt, reason)]

    def _down(self, at: float, reason: str, wrong_protocol: bool) -> Outputs:
        was_online, left, self._leaving = self.state is State.ONLINE, self._leaving, False
        out: list[Output] = [Note("warning" if was_online and not left else "info", f"no link to {self.endpoint}: {reason}")]
        self.state, self._reason, self._last_end = State.WAITING, reason, reason if was_online else self._last_end
        self._leave_at = self._leave_by = self._subscribe_by = math.inf
        proved = was_online and self._proved_at == math.inf
        if was_online:
            self._since, self._proved_at = at, math.inf
            if proved:
                self._fault_at = at + FAULT_AFTER_S
            elif self._fault_at < math.inf:  # its time may have come while this one was up
                self._fault_at = max(self._fault_at, at)
        if wrong_protocol and self._protocol == 5:
            self._protocols[self.endpoint], self._old_since[self.endpoint] = 4, at
            self._act_at = at
            self._noted_old.add(self.endpoint)
            return [*out, Remember(f"mqtt {self.endpoint}", b"4")]
        if wrong_protocol or at - self._old_since.get(self.endpoint, at) >= FIVE_AGAIN_S:
            self._protocols[self.endpoint] = 5
            self._old_since.pop(self.endpoint, None)
        if left and self._endpoints.away:  # new files are no reason to stay away
            self._endpoints.go_back()
        self._act_at = max(self._held_until, at if left else self._again_at(at, was_online, proved))
        return out

    def _again_at(self, at: float, was_online: bool, proved: bool) -> float:
        """When, and (`endpoints`) where, the next attempt is made after one that failed or a link that was lost."""
        if proved:
            self._endpoints.lost(at - self._up_at, urgent=bool(self._unheard))
        elif self._endpoints.failed(at):
            return at
        return at + (self._wait_s() if self._endpoints.at_top or was_online else WAIT_S_MIN * self._jitter())

    def _wait_s(self) -> float:
        wait_s = WAIT_S_MIN * 2.0 ** min(max(0, self._endpoints.rounds - 1), 10)
        return min(WAIT_URGENT_S if self._unheard else WAIT_S_MAX, wait_s) * self._jitter()

    def _jitter(self) -> float:
        """1 - JITTER to 1, from the boot's random name and the attempt: the core draws no random numbers."""
        return 1 - JITTER * (zlib.crc32(f"{self._names.boot}{self._attempt}".encode()) / 2**32)

    def _recall(self, memory: dict[str, bytes]) -> None:
        anew = int(self._names.boot, 16) % FIVE_AGAIN_BOOTS == 0
        for endpoint in self._endpoints.urls:
            if memory.get(f"mqtt {endpoint}") != b"4":
                continue
            self._noted_old.add(endpoint)
            if self.connects == 0 and not anew:
                self._protocols[endpoint], self._old_since[endpoint] = 4, self._since

    def end(self) -> list[Output]:
        """The last thing a link does."""
        was, self.state = self.state, State.ENDED
        self._act_at = self._subscribe_by = self._fault_at = self._proved_at = self._leave_at = math.inf
        return [Disconnect(self._attempt)] if was in (State.ONLINE, State.CONNECTING) else []

    def status(self, now: float) -> dict[str, Any]:
        """State, endpoint, protocol, since when, why not, and when it is tried next; how the last link ended, and what the broker takes."""
        waiting, online = self.state is State.WAITING, self.state is State.ONLINE
        return {
            "state": self.state.value,
            "endpoint": self.endpoint,
            "protocol": self._protocol,
            "since_s": round(now - self._since, 1),
            "reason": self._reason or None,
            "next_try_s": round(max(0.0, self._act_at - now), 1) if waiting else None,
            "connects": self.connects,
            "last_end": self._last_end,
            "first_probed_in_s": round(max(0.0, self._endpoints.return_at - now), 1) if online and self._endpoints.away else None,
            **(self._limits if online else {}),
        }
