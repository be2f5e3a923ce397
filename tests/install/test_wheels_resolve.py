"""With the index in reach: every wheel for a Pi is to be had on CPython 3.11 and 3.13, and an install takes them without a network.

Skipped where pip has no index; a wheel that the index has not, or has with another checksum, fails.
"""

import json
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tests import sources
from tests.release import lgpio_wheel, runtime, source_tree, wheel_file, wheelhouse
from tests.release.targets import ARCHES, Target, targets


@pytest.fixture(scope="module", params=ARCHES)
def arch(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def house(arch: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheelhouse that is made from nothing."""
    place = tmp_path_factory.mktemp(arch)
    ask = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
    if subprocess.run([*ask, "-d", str(place), "pyserial"], capture_output=True, check=False, stdin=subprocess.DEVNULL).returncode != 0:
        pytest.skip("pip reaches no index: what is to be had there cannot be seen")
    if arch == "aarch64":
        subprocess.run([str(sources.PROJECT / ".ci/setup"), "cross"], check=True, stdin=subprocess.DEVNULL)
    _, wheel = source_tree.build(place / "own", 1795360912)
    return wheelhouse.make(arch, wheel, place / "dist")


def test_a_pip_that_is_told_of_the_target_resolves_it_offline(arch: str, house: Path) -> None:
    """pip itself chooses, by tag and by checksum, out of the wheelhouse alone."""
    for target in targets(arch):
        platforms = [word for platform in target.platforms for word in ("--platform", platform)]
        command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-index", "--find-links", str(house)]
        command += ["--require-hashes", "-r", str(house / wheelhouse.REQUIREMENTS), "--only-binary=:all:", "--implementation", "cp"]
        command += ["--dry-run", "--ignore-installed", "--quiet", "--report", "-", "--python-version", target.python, *platforms]
        told = subprocess.run([*command, "--target", str(house / "nowhere")], capture_output=True, text=True, check=False)
        assert told.returncode == 0, f"{target}: {told.stderr}"
        chosen = {Path(each["download_info"]["url"]).name for each in json.loads(told.stdout)["install"]}
        assert {wheel_file.name_of(wheel) for wheel in chosen} == {wheel_file.name_of(path.name) for path in house.glob("*.whl")}
        assert all(wheel_file.best([wheel], target.tags) for wheel in chosen)


def test_a_pi_gets_the_makers_lgpio_where_there_is_one(house: Path, arch: str) -> None:
    found = sorted(path.name for path in house.glob("lgpio-*.whl"))
    if arch != "aarch64":
        assert found == []
        return
    best = {python: wheel_file.best(found, Target(arch, python).tags) for python in ("3.11", "3.13")}
    assert best["3.13"] == lgpio_wheel.file_name(arch)
    assert best["3.11"] in runtime.checksums()


def test_the_lgpio_that_is_built_here_works_on_this_machine_and_ends_well(tmp_path: Path) -> None:
    """Also with warnings as errors, which once ended Python with a SIGSEGV. There is no chip: lgpio says so itself."""
    fetched = wheelhouse.Downloads(tmp_path, runtime.checksums())
    try:
        wheel = lgpio_wheel.build(fetched.sdist(lgpio_wheel.SDIST), platform.machine(), tmp_path)
    except runtime.Refused as refused:
        pytest.skip(str(refused))
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(tmp_path)], check=True)
    say = "import lgpio\ntry:\n    lgpio.gpiochip_open(99)\nexcept lgpio.error as error:\n    print(error)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", say], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "'can not open gpiochip'\n"
