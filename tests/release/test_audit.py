"""A known hole in what runs in the vehicle fails, what nobody could look up is told as that, and an excuse holds for one version."""

import json
import sys
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.utils import canonicalize_name

from tests import sources
from tests.release import audit, runtime
from tests.release.audit import Hole, Looked
from tests.release.targets import Target

PYSERIAL = canonicalize_name("pyserial")


def vex() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(audit.VEX.read_text("utf-8"))
    return told


def outcome(looked: Looked, *, strict: bool = False) -> tuple[int, str]:
    """Exit code and words, when the advisory service says that."""
    said: list[str] = []
    code = audit.run(said.append, strict=strict, ask=lambda packages: looked)
    return code, "\n".join(said)


def answer(**vulns: list[dict[str, Any]]) -> str:
    """pip-audit's JSON."""
    return json.dumps({"dependencies": [{"name": name, "version": "1.0", "vulns": holes} for name, holes in vulns.items()], "fixes": []})


def test_every_package_of_the_vehicle_is_audited() -> None:
    assert audit.shipped().keys() >= {canonicalize_name(need.name) for need in runtime.direct(Target("aarch64", "3.11"))}
    assert {"colorzero", "setuptools"} <= audit.shipped().keys()  # what those need


def test_all_is_pinned_and_has_checksums() -> None:
    assert audit.unchecked() == []


def test_a_service_that_knows_nothing_bad_is_good_news_and_the_one_known_hole_is_told_with_its_reason() -> None:
    code, said = outcome(Looked())
    assert code == 0
    assert "CVE-2025-69872" in said
    assert "none here" in said
    assert "NOT DONE" not in said


def test_a_hole_that_nobody_excused_fails() -> None:
    code, said = outcome(Looked([Hole(frozenset({"CVE-2099-1"}), PYSERIAL, "3.5")]))
    assert code == 1
    assert "WRONG: pyserial 3.5: CVE-2099-1: a known hole" in said


def test_what_could_not_be_looked_up_is_told_and_fails_where_it_must_not_be_missed() -> None:
    nothing = Looked(not_done=["no network"])
    assert outcome(nothing)[0] == 0
    assert "NOT DONE: no network. Nobody has looked" in outcome(nothing)[1]
    assert outcome(nothing, strict=True)[0] == 1


def test_pins_that_go_back_to_an_advised_version_are_noticed_without_a_network() -> None:
    text = audit.ADVISORIES.read_text("utf-8")
    old = {canonicalize_name("msgpack"): "1.1.2", canonicalize_name("setuptools"): "78.1.0", PYSERIAL: "3.5"}
    assert {hole.package for hole in audit.kept(text, old).holes} == {"msgpack", "setuptools"}
    assert {hole.package for hole in audit.kept(text, audit.shipped()).holes} == {"diskcache"}


def test_an_excuse_holds_for_its_version_only() -> None:
    said = vex()
    assert audit.excused(said, Hole(frozenset({"GHSA-w8v5-vhqr-4h9v"}), canonicalize_name("diskcache"), "5.6.3"))
    assert audit.excused(said, Hole(frozenset({"CVE-2025-69872"}), canonicalize_name("diskcache"), "5.6.4")) is None
    assert audit.excused(said, Hole(frozenset({"CVE-2025-69872"}), PYSERIAL, "5.6.3")) is None
    said["vulnerabilities"][0]["analysis"]["state"] = "exploitable"
    assert audit.excused(said, Hole(frozenset({"CVE-2025-69872"}), canonicalize_name("diskcache"), "5.6.3")) is None


def test_the_excuses_are_a_valid_document_and_each_names_tests_that_there_are() -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(audit.VEX.read_text("utf-8")) is None
    for each in vex()["vulnerabilities"]:
        named = [prop["value"] for prop in each["properties"] if prop["name"] == "outpost:test"]
        assert named
        for test in named:
            assert sources.has_test(test), test


def test_a_package_that_was_skipped_is_not_looked_up_although_pip_audit_calls_that_success() -> None:
    told = json.dumps({"dependencies": [{"name": "pyserial", "skip_reason": "not found"}], "fixes": []})
    looked = audit.read(told, "", {PYSERIAL: "3.5"})
    assert looked.holes == []
    assert looked.not_done == ["the advisory service did not answer for pyserial"]


def test_a_package_that_is_not_mentioned_is_not_looked_up() -> None:
    looked = audit.read(answer(pyserial=[]), "", {PYSERIAL: "1.0", canonicalize_name("msgpack"): "1.0"})
    assert looked.not_done == ["the advisory service did not answer for msgpack"]


def test_all_names_of_a_hole_are_known() -> None:
    holes = [{"id": "PYSEC-2099-1", "aliases": ["CVE-2099-1"], "fix_versions": [], "description": ""}]
    looked = audit.read(answer(pyserial=holes), "", {PYSERIAL: "1.0"})
    assert looked == Looked([Hole(frozenset({"PYSEC-2099-1", "CVE-2099-1"}), PYSERIAL, "1.0")])


@pytest.mark.parametrize("told", ["", "Traceback", "[]", "{}", '{"dependencies": null}'])
def test_an_answer_that_is_none_is_no_good_news(told: str) -> None:
    looked = audit.read(told, "first\nConnectionError: no route", {PYSERIAL: "1.0"})
    assert looked.not_done
    assert looked.holes == []


def test_pip_audit_understands_what_it_is_asked_and_a_network_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    looked = audit.asked({PYSERIAL: "3.5"})
    assert looked.holes == []
    assert "usage:" not in looked.not_done[0]
    assert looked.not_done[0].startswith("pip-audit could not ask the advisory service: ")


def test_a_pip_audit_that_fails_is_told_with_its_last_words() -> None:
    looked = audit.asked({PYSERIAL: "3.5"}, [sys.executable, "-c", "import sys; sys.exit('out of order')"])
    assert looked == Looked(not_done=["pip-audit could not ask the advisory service: out of order"])
