"""CVE-2025-69872: diskcache unpickles what lies in its directory. Here nothing is, wherever it lies and whatever is done with it."""

import json
import subprocess
import sys
from pathlib import Path

import diskcache
import pytest

from agent.adapters.bytes_disk import BytesDisk
from tests import sources
from tests.adapters.unpickling import IDLE, LIVE, PLANTS, SPRUNG


def looked_up(how: str, directory: Path) -> dict[str, list[str]]:
    """What pickle was made to look up, by plant, in a process that meets such stores."""
    program = [sys.executable, "-m", "tests.adapters.unpickling", how, str(directory)]
    done = subprocess.run(program, cwd=sources.PROJECT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    told: dict[str, list[str]] = json.loads(done.stdout)
    return told


def sprung(directory: Path) -> set[str]:
    return {place.parent.name for place in directory.glob(f"*/{SPRUNG}")}


def test_the_trap_is_sprung_by_diskcache_as_it_comes(tmp_path: Path) -> None:
    """Else the test below would show nothing."""
    told = looked_up("diskcache", tmp_path)
    assert {plant for plant, looked in told.items() if "posix.mkdir" in looked} == LIVE.keys()
    assert sprung(tmp_path) == LIVE.keys()


@pytest.mark.parametrize("when", ["before", "after"])
def test_no_planted_pickle_is_loaded_however_the_store_is_used(tmp_path: Path, when: str) -> None:
    assert looked_up(when, tmp_path) == {plant: [] for plant in PLANTS}
    assert sprung(tmp_path) == set()


def test_every_place_where_diskcache_pickles_is_one_of_ours() -> None:
    """A later diskcache that pickles elsewhere fails here, and somebody looks."""
    source = Path(diskcache.core.__file__).read_text("utf-8")
    assert [line.strip() for line in source.splitlines() if "pickle." in line and "import" not in line] == [
        "'disk_pickle_protocol': pickle.HIGHEST_PROTOCOL,",
        "data = pickle.dumps(key, protocol=self.pickle_protocol)",  # Disk.put
        "return pickle.load(io.BytesIO(key))",  # Disk.get
        "result = pickle.dumps(value, protocol=self.pickle_protocol)",  # Disk.store
        "return pickle.load(reader)",  # Disk.fetch
        "return pickle.load(io.BytesIO(value))",  # Disk.fetch
    ]
    assert {"put", "get", "store", "fetch", "remove"} <= vars(BytesDisk).keys()
    assert LIVE.keys().isdisjoint(IDLE)
