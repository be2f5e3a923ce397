"""docs/asyncapi.yaml and docs/faults.md: the types of `agent.wire` and the golden examples go in, the published contract comes out.

AsyncAPI 3.0.0 (asyncapi.com/docs/reference/specification/v3.0.0), MQTT bindings 0.2.0. A development tool: the agent never imports it.

    python -m agent.wire.asyncapi            print the document
    python -m agent.wire.asyncapi --write    write docs/asyncapi.yaml and docs/faults.md
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from agent.wire import faults, guide, topics
from agent.wire.orders import DOWN, Order
from agent.wire.records import BOOT, STATE, UP, VERSION, Record

PROJECT = Path(__file__).parent.parent.parent
GOLDEN = PROJECT / "tests" / "golden"
DOCUMENT = PROJECT / "docs" / "asyncapi.yaml"
FAULTS_PAGE = PROJECT / "docs" / "faults.md"

CONTENT_TYPE = "application/msgpack"
BINDING = "0.2.0"
SCHEMAS = "#/components/schemas/{name}"
SESSION_S = 7 * 86_400
"""How long the broker is asked to keep a unit's session."""

ALWAYS = ("v", "unit", "kind", "boot", "mono")
"""What no record is without. Records of up/ have `seq` and `clock` besides."""

Examples = Mapping[str, Mapping[str, Any]]
"""Facts by the name of the golden file."""


def document(examples: Examples) -> dict[str, Any]:
    """The whole AsyncAPI document as plain maps."""
    channels, operations = _channels()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Outpost unit",
            "version": f"{VERSION}.0.0",
            "description": guide.CONTRACT,
            "license": {"name": "Apache 2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": _servers(),
        "channels": channels,
        "operations": operations,
        "components": {"messages": _messages(examples), "schemas": _schemas()},
    }


# --- where and how ------------------------------------------------------------------------------------------------------------------


def _servers() -> dict[str, Any]:
    will = {"topic": topics.state("{root}", "{unit}", "presence"), "qos": 1, "retain": True}
    session = {"cleanSession": False, "keepAlive": 20, "sessionExpiryInterval": SESSION_S}
    bindings = {"mqtt": {"lastWill": will, **session, "bindingVersion": BINDING}}
    return {
        "tls": {
            "host": "broker.example:8883",
            "protocol": "secure-mqtt",
            "protocolVersion": "5",
            "description": "Any MQTT 5 broker, or one of 3.1.1. A unit tries the endpoints of its config in their order.",
            "bindings": bindings,
        },
        "bench": {
            "host": "localhost:1883",
            "protocol": "mqtt",
            "protocolVersion": "5",
            "description": "A broker on a developer's desk.",
            "bindings": bindings,
        },
    }


def _channels() -> tuple[dict[str, Any], dict[str, Any]]:
    root, unit, group = "{root}", "{unit}", "{group}"
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for kind, record in UP.items():
        channels[f"up_{kind}"] = _channel(topics.up(root, unit, kind), record.__name__, _first_line(record), guide.UP)
        operations[f"send_up_{kind}"] = _operation("send", f"up_{kind}", record.__name__, retain=False)
    for name, record in STATE.items():
        channels[f"state_{name}"] = _channel(topics.state(root, unit, name), record.__name__, _first_line(record), guide.STATE)
        operations[f"send_state_{name}"] = _operation("send", f"state_{name}", record.__name__, retain=True)
    for kind, order in DOWN.items():
        word = kind.replace(".", "_")
        for prefix, address, what in (
            ("down", topics.down(root, unit, kind), guide.DOWN),
            ("group_down", topics.group_down(root, group, kind), guide.GROUP_DOWN),
        ):
            channels[f"{prefix}_{word}"] = _channel(address, order.__name__, _first_line(order), what)
            operations[f"receive_{prefix}_{word}"] = _operation("receive", f"{prefix}_{word}", order.__name__, retain=False) | {
                "reply": {"channel": _ref("channels/up_ack"), "messages": [_ref("channels/up_ack/messages/AckRecord")]}
            }
    return channels, operations


def _channel(address: str, message: str, summary: str, description: str) -> dict[str, Any]:
    parameters = {name: {"description": says} for name, says in guide.PARAMETERS.items() if f"{{{name}}}" in address}
    parameters["root"]["default"] = topics.ROOT_DEFAULT
    return {
        "address": address,
        "summary": summary,
        "description": description,
        "messages": {message: _ref(f"components/messages/{message}")},
        "parameters": parameters,
    }


def _operation(action: str, channel: str, message: str, retain: bool) -> dict[str, Any]:
    return {
        "action": action,
        "channel": _ref(f"channels/{channel}"),
        "messages": [_ref(f"channels/{channel}/messages/{message}")],
        "bindings": {"mqtt": {"qos": 1, "retain": retain, "bindingVersion": BINDING}},
    }


def _ref(path: str) -> dict[str, str]:
    return {"$ref": f"#/{path}"}


def _first_line(of: type) -> str:
    return (of.__doc__ or "").strip().split("\n")[0]


# --- what ---------------------------------------------------------------------------------------------------------------------------


def _messages(examples: Examples) -> dict[str, Any]:
    messages: dict[str, Any] = {}
    for kind, record in [*UP.items(), *STATE.items(), *DOWN.items()]:
        ordered = issubclass(record, Order)  # some kinds are both: `selftest` asked for, and what came of it
        found = ((name, facts) for name, facts in examples.items() if facts["kind"] == kind and ("jti" in facts) is ordered)
        shown = [{"name": name, "payload": dict(facts)} for name, facts in found]
        messages[record.__name__] = {
            "name": kind,
            "title": kind,
            "summary": _first_line(record),
            "contentType": CONTENT_TYPE,
            "payload": {"$ref": SCHEMAS.format(name=record.__name__)},
            "examples": shown,
        }
    messages["FaultRecord"]["x-codes"] = {code: fault._asdict() for code, fault in sorted(faults.FAULTS.items())}
    return messages


def _schemas() -> dict[str, Any]:
    types: list[type[Record] | type[Order]] = [*UP.values(), *STATE.values(), *DOWN.values()]
    _, components = msgspec.json.schema_components(types, ref_template=SCHEMAS)
    for record in (*UP.values(), *STATE.values()):
        _say_header(components[record.__name__], record.KIND, up=record.KIND in UP)
    return {name: _plain(components[name]) for name in sorted(components)}


def _say_header(schema: dict[str, Any], kind: str, up: bool) -> None:
    """What the types leave to the outbox, which writes the header: which keys are always there, and the one value of some."""
    properties = schema["properties"]
    properties["v"] |= {"const": VERSION}
    properties["kind"] |= {"const": kind, "description": "as in the topic"}
    properties["unit"] |= {"pattern": f"^{topics.NAME.pattern}$", "description": "as in the topic"}
    properties["boot"] |= {"pattern": f"^{BOOT.pattern}$"}
    for key in (*ALWAYS, "seq"):
        del properties[key]["default"]
    schema["required"] = [*ALWAYS, *(("seq", "clock") if up else ()), *schema.get("required", ())]
    if up:
        properties["seq"]["minimum"] = 1
    else:
        del properties["seq"]


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """The description of a fact that may be absent stands beside it, where readers and tools look; nil needs no default."""
    for fact in schema.get("properties", {}).values():
        if {"type": "null"} in fact.get("anyOf", ()):
            fact.pop("default", None)
            for choice in fact["anyOf"]:
                if "description" in choice:
                    fact["description"] = choice.pop("description")
    return schema


# --- the tool -----------------------------------------------------------------------------------------------------------------------


def golden() -> dict[str, dict[str, Any]]:
    """The facts of every golden file, by its name; from tests/golden, so only in a checkout.

    Raises:
        SystemExit: there are none.
    """
    found = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(GOLDEN.glob("*.json")) if "." not in path.stem}
    if not found:
        sys.exit(f"no examples in {GOLDEN}: run this in a checkout, after `python -m tests.wire.make_golden`")
    return found


def text(examples: Examples) -> str:
    """docs/asyncapi.yaml.

    Raises:
        SystemExit: PyYAML is not installed.
    """
    try:
        import yaml  # noqa: PLC0415  a development tool only: no unit needs it
    except ImportError:
        sys.exit("PyYAML is missing; it comes with the development tools: make setup, or pip install 'outpost-agent[dev]'")

    class Dumper(yaml.SafeDumper):
        """Paragraphs as they are written, and no anchors."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def paragraphs(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, paragraphs)
    head = "# Generated from agent/wire by `python -m agent.wire.asyncapi --write`; a test compares. Change the types, not this page.\n"
    return head + str(yaml.dump(document(examples), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=130))


def main(argv: list[str]) -> int:
    """Print the document, or write both pages."""
    if argv not in ([], ["--write"]):
        print(__doc__, file=sys.stderr)  # noqa: T201  a command line
        return 2
    page = text(golden())
    if not argv:
        sys.stdout.write(page)
        return 0
    DOCUMENT.write_text(page, "utf-8")
    FAULTS_PAGE.write_text(faults.page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
