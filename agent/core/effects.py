"""What we want: requests to the outside, in the imperative. `perform(effect)` never blocks; what becomes of it comes back as an event."""

from typing import Any

import msgspec

from agent.core.events import Lane


class Effect(msgspec.Struct, frozen=True, tag=True):
    """A request to an adapter."""


# --- store --------------------------------------------------------------------------------------------------------------------------


class OpenSpool(Effect):
    """Open the store: SpoolOpened, perhaps after SpoolQuarantined, or SpoolDown. Opening an open store answers SpoolOpened again."""


class Store(Effect):
    """Put one row on disk: Stored. A row of the same name is replaced, so asking twice is harmless; one that grows gets a new `edition`."""

    name: str
    lane: Lane
    payload: bytes
    edition: int = 0


class Forget(Effect):
    """Remove rows: Forgotten. Unknown names are forgotten too."""

    names: tuple[str, ...]


class Keep(Effect):
    """Move rows that are delivered out of their lanes into history: Forgotten. Unknown names are forgotten too."""

    names: tuple[str, ...]


class Recall(Effect):
    """Read up to `limit` rows of history, those of one boot with the numbers `first` to `last`, in their order: Recalled."""

    boot: str
    first: int
    last: int
    limit: int


class Prune(Effect):
    """Remove up to `rows` of the oldest rows of a lane, or of history (None): Pruned.

    Rows are as old as their boot, and within it as their number; with `before` only those older than the row of that name are meant.
    With a `note` the names of what is removed are remembered in the same breath, joined by spaces, under the note and the first of them.
    """

    lane: Lane | None
    rows: int
    before: str | None = None
    note: str = ""


class Load(Effect):
    """Read up to `limit` rows of a lane, oldest first, after the row of that name (None: from the start): Loaded."""

    lane: Lane
    after: str | None
    limit: int


class Remember(Effect):
    """Keep a small value under a name through crash and power cut (None removes it): Remembered."""

    name: str
    value: bytes | None


# --- link ---------------------------------------------------------------------------------------------------------------------------


class Connect(Effect):
    """Connect to `endpoint` (`mqtt://host:port`, `mqtts://host:port`) in MQTT `protocol` 5 or 4 with this last will: LinkUp or LinkDown.

    A connection of an earlier attempt is dropped without a word.
    """

    attempt: int
    endpoint: str
    protocol: int
    will_topic: str
    will_payload: bytes


class Disconnect(Effect):
    """End the connection in order. The broker then keeps the last will to itself, unless `will`: nobody said goodbye to the centre."""

    attempt: int
    will: bool = False


class WatchLink(Effect):
    """From now on a dead line is found within about `within_s`, also when nothing is under way, and a deaf broker in twice that: LinkDown.

    0: as usual again. Of another attempt than the present one it is passed over.
    """

    attempt: int
    within_s: float


class Probe(Effect):
    """Try whether somebody listens at that endpoint (name, TCP, TLS; not MQTT), beside the present connection: Probed."""

    endpoint: str


class Subscribe(Effect):
    """Subscribe at QoS 1: Subscribed."""

    attempt: int
    topics: tuple[str, ...]


class Publish(Effect):
    """Send a message: Acked or Refused with the same token, or LinkDown."""

    token: int
    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    expiry_s: int | None = None


# --- GPIO ---------------------------------------------------------------------------------------------------------------------------


class Pattern(msgspec.Struct, frozen=True):
    """What one output does: (level, milliseconds) in turn, for ever; one step of 0 ms stays. All outputs start their patterns in step."""

    name: str
    steps: tuple[tuple[bool, int], ...]


class ShowLights(Effect):
    """What every output is to do from now on: LightsShown. An output that plays this already goes on undisturbed."""

    outputs: dict[str, Pattern]


class PulseOutput(Effect):
    """Drive an output to its active level for so many milliseconds, then back: OutputPulsed. It plays no pattern meanwhile."""

    output: str
    ms: int


# --- GNSS receiver ------------------------------------------------------------------------------------------------------------------


class SpeakToReceiver(Effect):
    """Send these bytes to the receiver. There is no receipt: what it then says is the answer. Lost when the port is not open."""

    data: bytes


class SetReceiverBaud(Effect):
    """Listen at this speed from now on: ReceiverHeard says what was heard at it. Nothing is sent. No effect on what has no speed (`socket://`)."""

    baud: int


# --- the rest -----------------------------------------------------------------------------------------------------------------------


class Answer(Effect):
    """Answer a question from the local socket."""

    asker: int
    body: dict[str, Any]


class Notify(Effect):
    """Tell the service manager: ready (once the store is settled), and one line of status."""

    ready: bool
    status: str


class Note(Effect):
    """One line for the log. `level`: debug, info, warning, error."""

    level: str
    text: str
