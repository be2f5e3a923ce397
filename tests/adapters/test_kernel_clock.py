"""The kernel's word on its clock: asked for by everybody, and told by a file where it may not be asked."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.adapters.kernel_clock import STALE_S, kernel_clock, tell

PROJECT = Path(__file__).parents[2]


def refused() -> None:
    """The kernel under the service's filter of system calls."""


def test_the_kernel_tells_its_clock_to_everybody() -> None:
    """As the user `nobody` too; the bound is at most the 16 s at which the kernel gives up, and some."""
    synchronized, err_ms = kernel_clock()
    assert 0 <= err_ms < 100_000
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    asked = "from agent.adapters.kernel_clock import kernel_clock; print(*kernel_clock())"
    inherited = {**os.environ, "PYTHONPATH": str(PROJECT)}
    told = subprocess.run([sys.executable, "-c", f"import os; {asked.replace('; print', '; os.setuid(65534); print')}"],
                          capture_output=True, text=True, check=True, env=inherited)  # fmt: skip
    assert told.stdout.split()[0] == str(synchronized)
    assert told.stdout.split()[1] != "0"


def test_what_is_told_is_what_the_kernel_said(tmp_path: Path) -> None:
    tell(tmp_path / "state")
    direct = kernel_clock()
    synchronized, err_ms = kernel_clock(tmp_path / "state", refused)
    assert synchronized == direct[0]
    assert 0 <= direct[1] - err_ms <= 10, "between the two the bound may grow"
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


@pytest.mark.parametrize("age_s", [-5.0, STALE_S])
def test_an_old_word_and_one_of_another_boot_mean_nothing(tmp_path: Path, age_s: float) -> None:
    (tmp_path / "state").write_text(json.dumps({"at": time.monotonic() - age_s, "synchronized": True, "err_ms": 7}))
    assert kernel_clock(tmp_path / "state", refused) == (False, 0)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"at": "now"}', '{"at": 1}', "\xff"])
def test_a_broken_file_means_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "state").write_text(text, "latin-1")
    assert kernel_clock(tmp_path / "state", refused) == (False, 0)
