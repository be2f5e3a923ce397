"""The config file as types: every section, key, unit, range and default. Pure; `agent.config_file` reads a file into this.

`firmware_config/agent.toml` is the annotated reference of the same; a test holds the two together.
"""

import enum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from agent.wire import topics

Name = Annotated[str, Meta(pattern=f"^{topics.NAME.pattern}$", description="1 to 32 letters, digits, - or _")]
Id = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$", description="1 to 32 lower-case letters, digits or _, a letter first")]
Pin = Annotated[int, Meta(ge=0, le=27, description="a BCM pin number")]
"""BCM number of a pin on the 40-pin header."""
Endpoint = Annotated[str, Meta(pattern=r"^mqtts?://[^\s/:]+(:[0-9]{1,5})?$", description="mqtt://host:port or mqtts://host:port")]
Root = Annotated[str, Meta(pattern=f"^{topics.ROOT.pattern}$", description="words of letters, digits, - or _, with / between them")]
Url = Annotated[str, Meta(min_length=1, description="a pyserial URL or the path of a device")]
Kind = Annotated[str, Meta(min_length=1, description="a kind of receiver, or the path of a file", extra={"file": "named"})]
"""The name of a file of firmware_config/receivers without its ending; what has a / in it, or ends so, is a path."""
Wiring = Annotated[str, Meta(min_length=1, description="a board, or the path of a file", extra={"file": "named"})]
"""The name of a file of firmware_config/boards/ without its ending, or a path, as with Kind; NO_BOARD for none at all."""
UnitKind = Annotated[str, Meta(min_length=1, description="a kind of unit, or the path of a file", extra={"file": "named"})]
"""The name of a file of firmware_config/profiles/ without its ending, or a path, as with Kind."""
User = Annotated[str, Meta(min_length=1, description="a user name")]
Place = Annotated[str, Meta(min_length=1, description="a path", extra={"file": "made"})]
"""A path that the agent makes when it is not there. Paths that do not begin with / start where the config file lies."""
File = Annotated[str, Meta(min_length=1, description="the path of a file, or credential:NAME", extra={"file": "read"})]
Secret = Annotated[
    str, Meta(min_length=1, description="the path of a file that only its owner may read, or credential:NAME", extra={"file": "secret"})
]
"""`credential:NAME` is the copy of /etc/outpost/keys/NAME that systemd hands over (`agent.credentials`)."""


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; unknown keys are refused."""


NO_BOARD = "none"
"""As unit.board: also the board is not wanted that comes with the kind of unit."""


class Unit(Section, kw_only=True):
    """Who this unit is."""

    id: Name
    kind: UnitKind = "patrol_car"
    name: str = ""
    groups: tuple[Name, ...] = ()
    timezone: str = "Asia/Shanghai"
    language: Literal["zh", "en"] = "zh"
    board: Wiring | None = None
    without: tuple[Id, ...] = ()


class Gnss(Section, kw_only=True):
    """The receiver: any pyserial URL, and what is wanted of it. By default nothing is ever sent to it."""

    port: Url = "/dev/serial0"
    more_ports: tuple[Url, ...] = ()
    baud: Literal["auto", 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600] = "auto"
    silence_s: Annotated[float, Meta(ge=1, le=600)] = 5.0
    receiver: Kind = "generic"
    constellations: Literal["keep", "beidou", "beidou_gps", "all"] = "keep"
    rate_hz: Literal["keep", 1, 5, 10] = "keep"
    sentences: Literal["keep", "standard"] = "keep"
    baud_wanted: Literal["keep", 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600] = "keep"
    save: bool = False


class InputUse(enum.Enum):
    """What an input is for."""

    PANIC = "panic"
    PANIC_CANCEL = "panic_cancel"
    IGNITION = "ignition"
    LIGHT_HAND = "light_hand"
    LIGHT_SENSE = "light_sense"
    LOW_VOLTAGE = "low_voltage"
    RECORDER_ALIVE = "recorder_alive"
    TAMPER = "tamper"
    GENERIC = "generic"


NO, NC = ".no", ".nc"
"""A supervised input is two lines, named by its id and the contact each of them is wired to: normally open, normally closed."""


class Input(Section, kw_only=True):
    """One input: one pin, or the two contacts of a supervised change-over switch."""

    id: Id
    use: InputUse = InputUse.GENERIC
    pin: Pin | None = None
    pin_no: Pin | None = None
    pin_nc: Pin | None = None
    active: Literal["low", "high"] = "low"
    pull: Literal["up", "down", "none"] = "up"
    debounce_s: Annotated[float, Meta(ge=0, le=5)] = 0.03
    release_s: Annotated[float, Meta(ge=0, le=60)] = 0.2
    hold_s: Annotated[float, Meta(ge=0.05, le=5)] = 0.5
    press: Literal["hold", "twice"] = "hold"
    mode: Literal["overt", "discreet", "silent"] = "overt"
    seat: Id | None = None
    show: Id | None = None
    senses: Id | None = None
    alive_s: Annotated[float, Meta(ge=0, le=3600)] = 0.0

    @property
    def supervised(self) -> bool:
        """Two pins, so that a cut and a short wire are seen."""
        return self.pin_no is not None

    def lines(self) -> dict[str, int]:
        """Its raw lines, and the BCM number of each: `{id: pin}`, or `{id.no: pin_no, id.nc: pin_nc}`."""
        wired = {self.id: self.pin, self.id + NO: self.pin_no, self.id + NC: self.pin_nc}
        return {name: pin for name, pin in wired.items() if pin is not None}


class Output(Section, kw_only=True):
    """One output pin: part of the light bar, the officer's lamp, the buzzer, or the video recorder's mark line."""

    id: Id
    use: Literal["light", "panic_lamp", "buzzer", "recorder_mark"] = "light"
    group: Id = "bar"
    pin: Pin
    active: Literal["low", "high"] = "high"
    safe: Literal["off", "on"] = "off"
    at_power_on: Literal["pi", "up", "down"] = "pi"


Window = Annotated[
    str,
    Meta(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$|^sunset-sunrise$",
        description='a window of the day, "20:00-06:00" or "sunset-sunrise"',
    ),
]


class Lights(Section, kw_only=True):
    """When the bar lights by itself, and what it gives up when power is short."""

    cruise: Literal["ignition", "always", "never", "schedule"] = "ignition"
    schedule: Annotated[tuple[Window, ...], Meta(min_length=1)] = ("sunset-sunrise",)
    shed: tuple[Id, ...] = ()
    shed_every_s: Annotated[float, Meta(ge=1, le=3600)] = 30.0
    restore_after_s: Annotated[float, Meta(ge=1, le=86_400)] = 120.0
    dark_reminder_s: Annotated[float, Meta(ge=30, le=86_400)] = 600.0


Steps = Annotated[
    str,
    Meta(
        pattern=r"^(on|off|[0-9]{1,5}( [0-9]{1,5})+)$",
        description='"on", "off", or milliseconds on and off in turn, "120 80 120 480" (0 first: it begins dark)',
    ),
]


class Show(Section, kw_only=True):
    """What a group of lights plays in a show; the patterns are dealt to the group's outputs in turn."""

    name: Id
    group: Id = "bar"
    patterns: Annotated[tuple[Steps, ...], Meta(min_length=1)]


class Recorder(Section, kw_only=True):
    """The video recorder beside us: when its mark line is pulsed, and what it is called."""

    name: Name = "recorder"
    mark_on: tuple[Literal["panic", "lights", "order"], ...] = ("panic", "order")
    mark_silent: bool = False
    pulse_s: Annotated[float, Meta(ge=0.05, le=10)] = 0.5
    before_s: Annotated[float, Meta(ge=0, le=3600)] = 60.0
    after_s: Annotated[float, Meta(ge=0, le=3600)] = 300.0


class WalkTest(Section, kw_only=True):
    """The test of the panic buttons, the whole way to the centre and back."""

    window_s: Annotated[float, Meta(ge=60, le=3600)] = 600.0
    every_days: Annotated[int, Meta(ge=0, le=366)] = 7


class Report(Section, kw_only=True):
    """How often the live position is sent."""

    interval_s: Annotated[float, Meta(ge=0.1, le=3600)] = 5.0
    distance_m: Annotated[float, Meta(ge=1, le=100_000)] = 100.0
    heading_deg: Annotated[float, Meta(ge=1, le=180)] = 25.0
    speed_mps: Annotated[float, Meta(ge=0.5, le=100)] = 5.0
    parked_interval_s: Annotated[float, Meta(ge=1, le=86_400)] = 60.0
    emergency_interval_s: Annotated[float, Meta(ge=0.1, le=60)] = 1.0
    health_interval_s: Annotated[float, Meta(ge=1, le=86_400)] = 60.0


class SurveyedPlace(Section, kw_only=True):
    """Where a unit stands that does not move; without latitude and longitude it is a vehicle."""

    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None
    alt_m: Annotated[float, Meta(ge=-500, le=9000)] | None = None
    moved_m: Annotated[float, Meta(ge=10, le=10_000)] = 50.0


class Store(Section, kw_only=True):
    """The store on the unit."""

    path: Place = "/var/lib/outpost"
    size_bytes_max: Annotated[int, Meta(ge=1_048_576, le=1_099_511_627_776)] = 1_073_741_824
    commit_interval_s: Annotated[float, Meta(ge=1, le=600)] = 10.0
    commit_interval_online_s: Annotated[float, Meta(ge=1, le=600)] = 60.0
    keep_days: Annotated[int, Meta(ge=0, le=366)] = 7
    unsent_days_max: Annotated[int, Meta(ge=1, le=3660)] = 90
    endurance_tb: Annotated[float, Meta(ge=0.1, le=100_000)] = 20.0


class Mqtt(Section, kw_only=True):
    """The broker."""

    endpoints: Annotated[tuple[Endpoint, ...], Meta(min_length=1)]
    root: Root = topics.ROOT_DEFAULT
    ca: File | None = None
    cert: File | None = None
    key: Secret | None = None
    username: User | None = None
    password_file: Secret | None = None
    keepalive_s: Annotated[int, Meta(ge=5, le=3600)] = 20
    window_bytes: Annotated[int, Meta(ge=1024, le=1_048_576)] = 8192
    bytes_per_day_max: Annotated[int, Meta(ge=0, le=1_099_511_627_776)] = 0
    bytes_per_month_max: Annotated[int, Meta(ge=0, le=1_099_511_627_776)] = 0


class Orders(Section, kw_only=True):
    """Who may give orders."""

    allow_unsigned_development: bool = False


class Socket(Section, kw_only=True):
    """The local socket, for `outpost status` and the officer's panel."""

    path: Place = "/run/outpost/agent.sock"


class Log(Section, kw_only=True):
    """The log, to stderr (journald)."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Config(Section, kw_only=True):
    """The whole file."""

    unit: Unit
    mqtt: Mqtt
    gnss: Gnss = Gnss()
    input: tuple[Input, ...] = ()
    output: tuple[Output, ...] = ()
    lights: Lights = Lights()
    show: tuple[Show, ...] = ()
    recorder: Recorder = Recorder()
    walk_test: WalkTest = WalkTest()
    report: Report = Report()
    place: SurveyedPlace = SurveyedPlace()
    store: Store = Store()
    orders: Orders = Orders()
    socket: Socket = Socket()
    log: Log = Log()
