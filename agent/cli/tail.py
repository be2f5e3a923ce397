"""`outpost tail`: a broker's address goes in; the traffic of the units comes out as lines of JSON, decoded."""

import argparse
import secrets
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent import config_file
from agent.adapters import broker_client, broker_files
from agent.cli import parser, reader, traffic
from agent.config import Config, Mqtt
from agent.wire import topics

ENDED = 0
FAILED = 1
MISTAKES = 2

ENDPOINT_DEFAULT = "mqtt://127.0.0.1:1883"
CONNECT_WITHIN_S = 5.0
KEEPALIVE_S = 20
AGAIN_AFTER_S = 2.0
"""A connection that was lost is tried again after so long; a person watches, and needs no back-off."""

UNSUPPORTED_PROTOCOL_VERSION = 0x84
"""MQTT 5, section 2.4."""

MORE = """
One line for each message: topic, at (arrival, UTC), retained, and record; of a track also fixes. A payload that
cannot be read is printed with error and hex. Lost connections are tried again; Ctrl-C ends it.

With the config file's own broker its certificates and password are used; another broker is asked without a password."""

EPILOG = """\
examples:
  outpost tail                                    the broker of the config file
  outpost tail -b mqtt://127.0.0.1:1883 -n 10     ten messages, then exit
  outpost tail -u JD-0417 | jq 'select(.record.kind == "alarm")'

exit codes:
  0  ended by Ctrl-C, or after -n messages
  1  the broker cannot be reached, or refused us
  2  a mistake on the command line, or in the config file that -c names"""


def add(subparsers: "parser.Subparsers[argparse.ArgumentParser]") -> None:
    """The command's options."""
    made = parser.command(subparsers, "tail", MORE, EPILOG)
    made.add_argument(
        "-b", "--broker", metavar="URL", help=f"mqtt[s]://host[:port]; else the config's first endpoint, else {ENDPOINT_DEFAULT}"
    )
    made.add_argument("--root", help=f"root of the topics; else the config's, else {topics.ROOT_DEFAULT}")
    made.add_argument("-u", "--unit", help="only this unit")
    made.add_argument("--raw", action="store_true", help="do not decode: print hex")
    made.add_argument("-n", "--count", type=int, metavar="COUNT", help="exit after so many messages")
    parser.add_config(made)


def run(args: argparse.Namespace) -> int:
    """Print traffic until Ctrl-C, COUNT or an error: 0, 1, or 2."""
    config = None
    try:
        config = config_file.read(args.config)
    except config_file.ConfigErrors as mistakes:
        if args.broker is None and not _is_missing(args.config):
            print(f"{mistakes}\nmend this, or name a broker with -b", file=sys.stderr)
            return MISTAKES
    try:
        tail = _tail(args, config)
    except ValueError as e:
        _say(str(e))
        return MISTAKES
    try:
        trouble = tail.follow()
    except KeyboardInterrupt:
        return ENDED
    except BrokenPipeError:
        reader.left()
        return ENDED
    if trouble:
        _say(trouble)
        return FAILED
    return ENDED


def _say(text: str) -> None:
    """To the person at the terminal; stdout is for the lines."""
    print(f"outpost tail: {text}", file=sys.stderr, flush=True)


def _is_missing(file: Path) -> bool:
    try:
        file.stat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def _tail(args: argparse.Namespace, config: Config | None) -> "Tail":
    """What the arguments ask for, and where they are silent the config.

    Raises:
        ValueError: an argument that cannot be.
    """
    url = args.broker or (config.mqtt.endpoints[0] if config else ENDPOINT_DEFAULT)
    root = args.root or (config.mqtt.root if config else topics.ROOT_DEFAULT)
    known = config is not None and url in config.mqtt.endpoints
    mqtt = config.mqtt if config and known else Mqtt(endpoints=(url,))
    if not topics.ROOT.fullmatch(root):
        raise ValueError(f"--root {root}: expected words of letters, digits, - or _, with / between them")
    if args.unit is not None and not topics.NAME.fullmatch(args.unit):
        raise ValueError(f"--unit {args.unit}: expected 1 to 32 letters, digits, - or _")
    if args.count is not None and args.count < 1:
        raise ValueError(f"-n {args.count}: expected 1 or more")
    wanted = f"{root}/u/{args.unit}/#" if args.unit else f"{root}/#"

    def show(message: MQTTMessage) -> None:
        said = traffic.line(root, _topic(message), bytes(message.payload), retained=message.retain, at=_arrival(), raw=args.raw)
        sys.stdout.buffer.write(said + b"\n")
        sys.stdout.buffer.flush()

    return Tail(url, mqtt, wanted, show, args.count)


def _arrival() -> str:
    """Now, by this machine's clock: milliseconds, UTC."""
    now = datetime.now(UTC)  # noqa: TID251  the arrival at a person's terminal; no decision hangs on it
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _topic(message: MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:
        return "(not UTF-8)"


class Tail:
    """One subscription, followed in the caller's thread."""

    def __init__(self, url: str, mqtt: Mqtt, wanted: str, show: Callable[[MQTTMessage], None], count: int | None) -> None:
        self._url = url
        self._where = broker_client.endpoint(url)
        self._mqtt = mqtt
        self._wanted = wanted
        self._show = show
        self._left = count
        self._protocol = MQTTProtocolVersion.MQTTv5
        self._subscribed = False
        self._refused: str | None = None

    def follow(self) -> str | None:
        """Print until `count` messages have come: None. A broker that cannot be reached at the start, or refuses us: why, in words."""
        while True:
            client, trouble = self._open()
            if client:
                trouble = self._serve(client)
            if self._left == 0 or self._refused:
                return self._refused
            if self._subscribed:
                _say(f"{trouble}; trying again")
                threading.Event().wait(AGAIN_AFTER_S)
            elif client and self._protocol == MQTTProtocolVersion.MQTTv5:
                # One that knows only 3.1.1 answers in its own format, or just hangs up: the other version is worth a try.
                self._protocol = MQTTProtocolVersion.MQTTv311
            else:
                return trouble

    def _open(self) -> tuple[Client | None, str]:
        """A client whose CONNECT is on its way; or none, and why."""
        try:
            client = self._client()
            client.connect(self._where.host, self._where.port, KEEPALIVE_S)
        except (OSError, ValueError) as e:
            return None, broker_client.in_plain_words(e, self._where, CONNECT_WITHIN_S)
        return client, ""

    def _serve(self, client: Client) -> str:
        """One connection to its end; why it ended."""
        result = MQTTErrorCode.MQTT_ERR_SUCCESS
        try:
            while result == MQTTErrorCode.MQTT_ERR_SUCCESS and self._left != 0 and not self._refused:
                result = client.loop(timeout=1.0)
        finally:
            client.disconnect()
        if self._subscribed:
            return f"the connection to {self._url} ended ({result.name})"
        return f"{self._url} hung up without an answer ({result.name}); is this a broker's port, and is it mqtt or mqtts?"

    def _client(self) -> Client:
        """A client with a name of its own, that leaves no session behind.

        Raises:
            OSError, ValueError: a file named by the config cannot be used.
        """
        v5 = self._protocol == MQTTProtocolVersion.MQTTv5
        client = Client(
            CallbackAPIVersion.VERSION2,
            f"outpost-tail-{secrets.token_hex(4)}",
            clean_session=None if v5 else True,
            protocol=self._protocol,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_WITHIN_S
        if self._mqtt.username is not None:
            file = self._mqtt.password_file
            client.username_pw_set(self._mqtt.username, broker_files.secret(file).read_text("utf-8").rstrip("\r\n") if file else None)
        if self._where.tls:
            client.tls_set_context(broker_files.tls_context(self._mqtt))
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _on_connect(self, client: Client, _u: Any, _flags: ConnectFlags, reason: ReasonCode, _p: Properties | None) -> None:
        if not reason.is_failure:
            client.subscribe(self._wanted, qos=1)
        elif reason.value != UNSUPPORTED_PROTOCOL_VERSION:
            self._refused = f"{self._url} refused us: {reason}"

    def _on_subscribe(self, _c: Client, _u: Any, _mid: int, reasons: list[ReasonCode], _p: Properties | None) -> None:
        if any(reason.is_failure for reason in reasons):
            self._refused = f"{self._url} does not let us read {self._wanted}: {reasons[0]}"
        else:
            _say(f"{self._url}: {self._wanted}, MQTT {'5' if self._protocol == MQTTProtocolVersion.MQTTv5 else '3.1.1'}")
            self._subscribed = True

    def _on_message(self, _c: Client, _u: Any, message: MQTTMessage) -> None:
        if self._left != 0:
            self._show(message)
            self._left = None if self._left is None else self._left - 1
