"""docs/asyncapi.yaml, docs/faults.md and docs/decoding.md say what the code does: generated, valid, and run as they stand."""

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgpack
import pytest
import yaml

from agent.adapters import broker_client
from agent.config import Mqtt
from agent.wire import asyncapi, codec, faults, guide, topics, track
from agent.wire.orders import DOWN
from agent.wire.records import STATE, UP, Record, Track
from tests.wire import examples, make_golden

AGAIN = "run: python -m agent.wire.asyncapi --write"
DECODING = asyncapi.PROJECT / "docs" / "decoding.md"


@pytest.fixture(scope="module")
def document() -> Any:
    """The published page as a reader gets it."""
    return yaml.safe_load(asyncapi.DOCUMENT.read_text("utf-8"))


def test_the_page_on_disk_is_what_the_types_say() -> None:
    assert asyncapi.DOCUMENT.read_text("utf-8") == asyncapi.text(asyncapi.golden()), AGAIN


def test_the_table_of_faults_on_disk_is_what_the_code_says() -> None:
    assert asyncapi.FAULTS_PAGE.read_text("utf-8") == faults.page(), AGAIN


def test_the_tool_takes_its_one_option_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert asyncapi.main(["--wriet"]) == 2
    assert "--write" in capsys.readouterr().err


def test_the_tool_writes_both_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(asyncapi, "DOCUMENT", tmp_path / "a.yaml")
    monkeypatch.setattr(asyncapi, "FAULTS_PAGE", tmp_path / "f.md")
    assert asyncapi.main(["--write"]) == 0
    assert asyncapi.main([]) == 0
    assert (tmp_path / "a.yaml").read_text("utf-8") == capsys.readouterr().out
    assert (tmp_path / "f.md").read_text("utf-8") == faults.page()


def test_outside_a_checkout_the_tool_says_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncapi, "GOLDEN", tmp_path)
    with pytest.raises(SystemExit, match="no examples in"):
        asyncapi.main([])


# --- AsyncAPI 3.0.0: what the specification requires ----------------------------------------------------------------------------------


def refs(node: Any) -> Iterator[str]:
    """Every $ref below a node."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from refs(value)


def resolve(document: Any, ref: str) -> Any:
    """What a local $ref points at (RFC 6901)."""
    found = document
    for word in ref.removeprefix("#/").split("/"):
        found = found[word.replace("~1", "/").replace("~0", "~")]
    return found


def test_the_document_has_what_asyncapi_3_requires(document: Any) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version", "description"} <= document["info"].keys()
    assert all({"host", "protocol"} <= server.keys() for server in document["servers"].values())
    assert set(document) <= {"asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components"}


KEYS = {
    "servers": "host protocol protocolVersion pathname description title summary variables security tags externalDocs bindings",
    "channels": "address messages title summary description servers parameters tags externalDocs bindings",
    "operations": "action channel title summary description security tags externalDocs bindings traits messages reply",
    "messages": "headers payload correlationId contentType name title summary description tags externalDocs bindings examples traits",
}
"""What AsyncAPI 3.0.0 lets each object have, besides extensions."""


@pytest.mark.parametrize("what", list(KEYS))
def test_no_object_has_a_key_that_asyncapi_does_not_know(document: Any, what: str) -> None:
    objects = document["components"]["messages"] if what == "messages" else document[what]
    assert objects
    for name, found in objects.items():
        assert re.fullmatch(r"[\w.-]+", name)
        assert [key for key in found if key not in KEYS[what].split() and not re.fullmatch(r"x-[\w.-]+", key)] == [], name


def test_every_ref_has_a_target(document: Any) -> None:
    for ref in set(refs(document)):
        assert resolve(document, ref) is not None, ref


def test_every_channel_has_an_address_messages_and_its_parameters(document: Any) -> None:
    for name, channel in document["channels"].items():
        assert set(re.findall(r"{(\w+)}", channel["address"])) == channel["parameters"].keys(), name
        assert channel["messages"], name
        for parameter in channel["parameters"].values():
            assert set(parameter) <= {"description", "default", "enum", "examples", "location"}, name


def test_every_operation_sends_or_receives_messages_of_its_channel(document: Any) -> None:
    used = set()
    for name, operation in document["operations"].items():
        assert operation["action"] in ("send", "receive"), name
        channel = operation["channel"]["$ref"]
        assert channel.startswith("#/channels/"), name
        assert all(message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"]), name
        used.add(channel.removeprefix("#/channels/"))
    assert used == document["channels"].keys(), "a channel without an operation"


def test_what_is_sent_and_retained_is_what_the_unit_does(document: Any) -> None:
    for name, operation in document["operations"].items():
        mqtt = operation["bindings"]["mqtt"]
        assert (mqtt["qos"], mqtt["retain"]) == (1, "_state_" in name), name
        assert operation["action"] == ("receive" if "down_" in name else "send"), name


def test_the_session_is_what_the_broker_is_asked_for(document: Any) -> None:
    for server in document["servers"].values():
        mqtt = server["bindings"]["mqtt"]
        assert mqtt["keepAlive"] == Mqtt(endpoints=("mqtt://a",)).keepalive_s
        assert mqtt["sessionExpiryInterval"] == broker_client.SESSION_EXPIRY_S
    assert document["defaultContentType"] == broker_client.CONTENT_TYPE


# --- completeness ---------------------------------------------------------------------------------------------------------------------


def test_every_topic_of_the_contract_is_a_channel(document: Any) -> None:
    root, unit = "{root}", "{unit}"
    wanted = {topics.up(root, unit, kind) for kind in UP} | {topics.state(root, unit, name) for name in STATE}
    wanted |= {topics.down(root, unit, kind) for kind in DOWN} | {topics.group_down(root, "{group}", kind) for kind in DOWN}
    assert {channel["address"] for channel in document["channels"].values()} == wanted


@pytest.mark.parametrize("record", [*UP.values(), *STATE.values()], ids=lambda record: record.KIND)
def test_every_key_of_every_record_is_published(document: Any, record: type[Record]) -> None:
    schema = document["components"]["schemas"][record.__name__]
    assert set(schema["properties"]) == set(record.__struct_fields__) - (set() if record.KIND in UP else {"seq"})
    assert schema["properties"]["kind"]["const"] == record.KIND


def test_every_fault_is_published_with_what_to_do(document: Any) -> None:
    assert document["components"]["messages"]["FaultRecord"]["x-codes"].keys() == faults.FAULTS.keys()


def test_every_message_has_an_example(document: Any) -> None:
    shown = [example["name"] for message in document["components"]["messages"].values() for example in message["examples"]]
    assert sorted(shown) == sorted([*examples.RECORDS, *examples.ORDERS])


# --- schemas --------------------------------------------------------------------------------------------------------------------------


VALIDATORS = [jsonschema.Draft202012Validator, jsonschema.Draft7Validator]


def validator(document: Any, facts: Any, draft: Any) -> Any:
    """For one message, with the document's components to refer to."""
    record = DOWN[facts["kind"]] if "jti" in facts else (UP | STATE)[facts["kind"]]
    message = document["components"]["messages"][record.__name__]
    return draft({**message["payload"], "components": document["components"]})


@pytest.mark.parametrize("draft", VALIDATORS)
def test_every_schema_is_a_schema(document: Any, draft: Any) -> None:
    for schema in document["components"]["schemas"].values():
        draft.check_schema(schema)


@pytest.mark.parametrize("draft", VALIDATORS)
@pytest.mark.parametrize("name", [*examples.RECORDS, *examples.ORDERS])
def test_every_golden_example_is_valid(document: Any, name: str, draft: Any) -> None:
    facts = json.loads((make_golden.GOLDEN / f"{name}.json").read_bytes())
    validator(document, facts, draft).validate(facts)
    validator(document, facts, draft).validate(facts | {"later": 1})


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("position", {"v": 2}),
        ("position", {"unit": "a/b"}),
        ("position", {"seq": 0}),
        ("position", {"boot": "5f0c"}),
        ("position", {"time": "yesterday"}),
        ("alarm_raised", {"state": "over"}),
        ("track_utc", {"n": 0}),
        ("presence_online", {"online": None}),
        ("down_alarm_ack", {"jti": ""}),
        ("down_alarm_ack", {"body": {}}),
    ],
)
def test_a_wrong_fact_is_not_valid(document: Any, name: str, wrong: dict[str, Any]) -> None:
    facts = json.loads((make_golden.GOLDEN / f"{name}.json").read_bytes()) | wrong
    assert not validator(document, facts, VALIDATORS[0]).is_valid(facts)


@pytest.mark.parametrize("name", ["position", "health", "down_alarm_ack"])
def test_a_missing_fact_is_not_valid(document: Any, name: str) -> None:
    facts = json.loads((make_golden.GOLDEN / f"{name}.json").read_bytes())
    schema = validator(document, facts, VALIDATORS[0])
    required = resolve(document, schema.schema["$ref"])["required"]
    assert required
    for key in required:
        assert not schema.is_valid({k: v for k, v in facts.items() if k != key}), key


# --- the integrator's guide -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guide_code() -> dict[str, Any]:
    """Everything that docs/decoding.md defines, run as it stands there."""
    room: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", DECODING.read_text("utf-8"), re.DOTALL)
    exec("\n".join(blocks), room)  # noqa: S102  our own page
    return room


def test_the_guide_has_the_decoder_of_the_contract() -> None:
    assert guide.DECODER in DECODING.read_text("utf-8"), "docs/decoding.md: copy agent.wire.guide.DECODER into it"


def test_the_decoder_has_a_dozen_lines() -> None:
    body = guide.DECODER.split("def fixes(track):\n")[1]
    assert len(body.splitlines()) == 12


@pytest.mark.parametrize("name", ["track_utc", "track_mono"])
def test_the_guides_code_decodes_a_track(guide_code: dict[str, Any], name: str) -> None:
    payload = (make_golden.GOLDEN / f"{name}.msgpack").read_bytes()
    found = guide_code["fixes"](guide_code["record"](payload))
    assert found == json.loads((make_golden.GOLDEN / f"{name}.fixes.json").read_bytes())
    record = codec.decode(payload)
    assert isinstance(record, Track)
    assert [track.TrackFix(**fix) for fix in found] == track.unpack(record)


def test_the_guides_names_and_orders_are_those_of_the_contract(guide_code: dict[str, Any], document: Any) -> None:
    facts = guide_code["record"](examples.payload("alarm_raised"))
    assert guide_code["name"](facts) == ("JD-0417", examples.BOOT, 212)
    assert msgpack.unpackb(guide_code["seen"]) == msgpack.unpackb(examples.payload("down_alarm_ack"))
    made = msgpack.unpackb(guide_code["order"]("alarm.clear", {"alarm": facts["id"], "reason": "officer safe"}, str(uuid.uuid4()), 1.5))
    validator(document, made, VALIDATORS[0]).validate(made)
