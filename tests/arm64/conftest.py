"""Trees for arm64 with the release bundle in them, and how these tests say why there is none."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import __version__
from tests import sources
from tests.arm64.emulated import Pi, why_not
from tests.install.debian import PACKAGES, base_tree
from tests.release import bundle, runtime, source_tree, wheelhouse
from tests.release.targets import Target

PYTHONS = {"bookworm": "3.11", "trixie": "3.13"}
TEST_PACKAGES = ("pytest", "pytest-timeout", "hypothesis", "jsonschema", "pyyaml")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that lies in this folder is of the marker `arm64`."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.arm64)


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release bundle for aarch64, made of this checkout."""
    if reason := why_not():
        pytest.skip(reason)
    dist = tmp_path_factory.mktemp("dist")
    (dist / "downloads").symlink_to(_kept())
    moment = source_tree.epoch()
    try:
        _, wheel = source_tree.build(dist, moment)
        return bundle.make("aarch64", wheelhouse.make("aarch64", wheel, dist), dist, moment)[0]
    except runtime.Refused as refused:
        pytest.skip(f"no bundle can be made here: {refused}")


def _kept() -> Path:
    """What `make release` has fetched need not be fetched again."""
    place = sources.PROJECT / "dist" / "downloads"
    place.mkdir(parents=True, exist_ok=True)
    return place


@pytest.fixture(scope="session", params=PYTHONS)
def pi(request: pytest.FixtureRequest, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pi]:
    """Debian for arm64 with nothing on it but the unpacked bundle."""
    made = Pi(base_tree(PACKAGES, request.param, "arm64"), tmp_path_factory.mktemp("pi") / request.param)
    subprocess.run(["tar", "-xzf", archive, "-C", made.path("/srv")], check=True)
    yield made
    for command, seconds in made.took:
        print(f"{request.param}: {seconds:7.1f} s  {command[:150]}")
    shutil.rmtree(made.root)


@pytest.fixture(scope="session")
def installed(pi: Pi) -> Pi:
    """The same after `./install`, which finds no network."""
    pi.run([f"/srv/outpost-{__version__}-aarch64/install", "--image"], timeout=1800)
    return pi


@pytest.fixture(scope="session")
def with_pytest(installed: Pi, tmp_path_factory: pytest.TempPathFactory) -> Pi:
    """The same with pytest and what the tests need, and the tests in /src; the agent is the installed one, no other is there."""
    target = Target("aarch64", PYTHONS[installed.root.name])
    wheels = installed.path("/srv/test-wheels")
    platforms = [word for platform in target.platforms for word in ("--platform", platform)]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", "-d", str(wheels)]
    command += ["-c", str(sources.PROJECT / "constraints.txt"), "--implementation", "cp", "--python-version", target.python]
    subprocess.run([*command, *platforms, *TEST_PACKAGES], check=True, stdin=subprocess.DEVNULL)
    venv = "/opt/outpost/current"
    pip = [f"{venv}/bin/python", "-m", "pip", "install", "--quiet", "--no-index", "--find-links", "/srv/test-wheels"]
    installed.run([*pip, *TEST_PACKAGES], timeout=1800)
    for path in sources.files():
        name = sources.name(path)
        if name.startswith(("tests/", "firmware_config/", "docs/")) or name in ("pyproject.toml", "constraints.txt"):
            copy = installed.path(f"/src/{name}")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    return installed
