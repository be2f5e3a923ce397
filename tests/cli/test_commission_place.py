"""Where reports lie, and that a folder of somebody else, or a link, never leads root elsewhere."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.cli import commission_place, commission_report
from agent.cli.commission_report import Step
from agent.cli.commission_walk import Line
from tests.core.builders import config

AGENT = 65_534
by_root = pytest.mark.skipif(os.geteuid() != 0, reason="files of two users need root")


def test_root_has_a_folder_of_its_own_and_a_developer_one_beside_the_store() -> None:
    assert commission_place.default(config(), root=True) == Path("/var/lib/outpost-reports")
    assert commission_place.default(config(), root=False) == Path(config().store.path) / "commissioning"


def test_without_root_it_is_made_wherever_it_may_be(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real").mkdir()
    assert commission_place.made(tmp_path / "link" / "new", root=False) == tmp_path / "real" / "new"


@by_root
def test_root_makes_it_for_all_to_read_whatever_the_umask(tmp_path: Path) -> None:
    was = os.umask(0o077)
    try:
        place = commission_place.made(tmp_path / "a" / "b", root=True)
    finally:
        os.umask(was)
    assert place == tmp_path / "a" / "b"
    assert [folder.stat().st_mode & 0o777 for folder in (place, place.parent)] == [0o755, 0o755]
    assert commission_place.made(place, root=True) == place


def _link(place: Path) -> None:
    (place.parent / "real").mkdir()
    place.symlink_to(place.parent / "real")


def _file(place: Path) -> None:
    place.touch()


def _agents(place: Path) -> None:
    place.mkdir()
    os.chown(place, AGENT, AGENT)


def _writable(place: Path) -> None:
    place.mkdir()
    place.chmod(0o775)


def _like_tmp(place: Path) -> None:
    place.mkdir()
    place.chmod(0o1777)


@by_root
@pytest.mark.parametrize("below", ["", "new", "new/and/more"])
@pytest.mark.parametrize("planted", [_link, _file, _agents, _writable])
def test_root_writes_only_where_nobody_else_does(tmp_path: Path, planted: Callable[[Path], None], below: str) -> None:
    planted(tmp_path / "place")
    with pytest.raises(OSError, match=r"root writes only|no folder"):
        commission_place.made(tmp_path / "place" / below, root=True)
    assert sorted(path.name for path in tmp_path.rglob("*")) in (["place"], ["place", "real"])


@by_root
def test_below_a_folder_like_tmp_root_may_have_one_and_in_it_not(tmp_path: Path) -> None:
    _like_tmp(tmp_path / "place")
    with pytest.raises(commission_place.NotOurs):
        commission_place.made(tmp_path / "place", root=True)
    assert commission_place.made(tmp_path / "place" / "mine", root=True).is_dir()


# --- the files ----------------------------------------------------------------------------------------------------------------------------


def saved(place: Path, utc_ms: float | None = None, boot: str = "00ff", reason: str | None = None) -> commission_report.Saved:
    line = Line("pass", "clock", {"en": "well", "zh": "好"}, {"en": "", "zh": ""})
    steps = [Step("clock", {"en": "clock", "zh": "时钟"}, [line], 1, reason)]
    status = {"clock": {"utc_ms": utc_ms}, "unit": {"boot": boot}, "commissioned": {"hardware": {"sim": "89\x1b[2J86"}}}
    return commission_report.save(commission_report.made(steps, config(), status, full=False), place, None, None)


@pytest.mark.parametrize("ending", [".html", ".json", ".json.new", ".html.new"])
def test_a_planted_link_is_replaced_and_not_followed(tmp_path: Path, ending: str) -> None:
    (tmp_path / "precious").write_text("keep me")
    (tmp_path / f"car-1-boot-00ff{ending}").symlink_to(tmp_path / "precious")
    report = saved(tmp_path)
    assert (tmp_path / "precious").read_text() == "keep me"
    assert report.report.is_file()
    assert not report.report.is_symlink()
    assert not report.page.is_symlink()
    assert not list(tmp_path.glob("*.new"))


@pytest.mark.parametrize("boot", ["../../etc/passwd", "/00ff", "00ff\n"])
def test_a_boot_that_is_no_name_leads_nowhere(tmp_path: Path, boot: str) -> None:
    place = tmp_path / "reports"
    assert saved(place, boot=boot).report.parent == place
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]


@pytest.mark.parametrize("utc_ms", [1e300, -1.0, 253_402_300_800_000])
def test_a_time_that_no_calendar_has_is_none(tmp_path: Path, utc_ms: float) -> None:
    assert saved(tmp_path, utc_ms).report.name == "car-1-boot-00ff.json"


def test_what_a_terminal_would_obey_stands_in_no_report(tmp_path: Path) -> None:
    report = saved(tmp_path, reason="no\x1b[2Jengine\r\n")
    told = json.loads(report.report.read_text())
    assert told["steps"][0]["skipped"] == "no\N{REPLACEMENT CHARACTER}[2Jengine" + "\N{REPLACEMENT CHARACTER}" * 2
    assert told["hardware"] == {"sim": "89\N{REPLACEMENT CHARACTER}[2J86"}
    assert "\x1b" not in report.page.read_text()
