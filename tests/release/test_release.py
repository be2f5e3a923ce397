"""What a release is made of: the same bytes each time, everything pinned and with a checksum, nothing in it that is not told."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.utils import canonicalize_name, parse_wheel_filename

from agent import __version__
from tests import sources
from tests.release import __main__ as release
from tests.release import audit, bundle, lgpio_wheel, runtime, sbom, source_tree, wheel_file, wheelhouse
from tests.release.targets import ARCHES, PYTHONS, Target, targets

MOMENT = 1795360912
ALL = [target for arch in ARCHES for target in targets(arch)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return source_tree.build(tmp_path_factory.mktemp("dist"), MOMENT)


def plain_wheel(folder: Path, name: str, version: str, *needs: str, tag: str = "py3-none-any", licence: str = "MIT") -> Path:
    """A wheel with nothing but metadata."""
    path = folder / f"{name}-{version}-{tag}.whl"
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", "Summary: 一", *(f"Requires-Dist: {need}" for need in needs)]
    if licence:
        lines.append(f"License-Expression: {licence}")
    info = f"{name}-{version}.dist-info"
    words = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n"
    wheel_file.write(path, {f"{info}/METADATA": "\n".join([*lines, ""]).encode(), f"{info}/WHEEL": words.encode()}, (), MOMENT)
    return path


# --- the same bytes -------------------------------------------------------------------------------------------------------------------


def test_sdist_and_wheel_have_the_same_bytes_whenever_and_wherever_they_are_built(
    built: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    before = os.umask(0o077)
    try:
        again = source_tree.build(tmp_path, MOMENT)
    finally:
        os.umask(before)
    assert [path.name for path in again] == [path.name for path in built]
    assert [wheel_file.sha256(path) for path in again] == [wheel_file.sha256(path) for path in built]


def test_the_wheel_can_be_built_from_the_sdist_and_is_the_same(built: tuple[Path, Path], tmp_path: Path) -> None:
    sdist, wheel = built
    subprocess.run(["tar", "-xzf", sdist, "-C", tmp_path], check=True)
    (unpacked,) = tmp_path.iterdir()
    from_sdist = source_tree._hook("build_wheel", unpacked, MOMENT)
    with zipfile.ZipFile(wheel) as ours, zipfile.ZipFile(from_sdist) as theirs:
        assert {name: ours.read(name) for name in ours.namelist()} == {name: theirs.read(name) for name in theirs.namelist()}


def test_nothing_of_this_machine_is_in_the_sdist(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as archive:
        members = archive.getmembers()
    assert {(member.uid, member.gid, member.uname, member.gname, member.mtime) for member in members} == {(0, 0, "", "", MOMENT)}
    assert {member.mode for member in members} <= {0o644, 0o755}


def test_the_sdist_has_what_is_needed_to_test_and_release_from_it(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as archive:
        inside = {name.split("/", 1)[1] for name in archive.getnames()}
    ours = {sources.name(path) for path in sources.files()}
    missing = ours - inside - {".gitignore"}
    assert not missing, f"add it to MANIFEST.in: {sorted(missing)}"


def test_the_wheel_tells_its_version_and_has_no_tests(built: tuple[Path, Path]) -> None:
    assert wheel_file.metadata(built[1])["Version"] == __version__
    with zipfile.ZipFile(built[1]) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert tops == {"agent", "simulator", f"outpost_agent-{__version__}.dist-info", f"outpost_agent-{__version__}.data"}


def test_a_wheel_that_is_written_here_is_one_that_pip_takes(tmp_path: Path) -> None:
    wheel = plain_wheel(tmp_path, "lgpio", "1.0")
    other = plain_wheel(tmp_path, "lgpio", "2.0")
    assert wheel.read_bytes() != other.read_bytes()
    assert wheel.read_bytes() == plain_wheel(tmp_path, "lgpio", "1.0").read_bytes()
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--disable-pip-version-check"]
    done = subprocess.run([*pip, "--target", str(tmp_path / "into"), str(wheel)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "into" / "lgpio-1.0.dist-info" / "METADATA").is_file()


# --- pins and checksums ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ALL, ids=str)
def test_each_dependency_of_the_vehicle_has_one_pin_and_a_file_with_a_checksum(target: Target) -> None:
    known = runtime.checksums()
    for name, version in runtime.pinned(runtime.direct(target), runtime.pins()):
        wheel = wheel_file.best([file for file in known if file.endswith(".whl") and wheelhouse.is_of(file, name, version)], target.tags)
        assert wheel is not None or wheelhouse.is_built_here(name, version), f"{name} {version} for {target}"


def test_no_checksum_is_left_of_a_version_that_is_not_pinned() -> None:
    pins = runtime.pins()
    wheels = [file for file in runtime.checksums() if file.endswith(".whl")]
    assert len(wheels) > len(ALL)
    assert [file for file in wheels if pins.get(wheel_file.name_of(file)) != wheel_file.version_of(file)] == []
    assert f"lgpio-{pins[canonicalize_name('lgpio')]}.tar.gz" == lgpio_wheel.SDIST


def test_lgpio_is_asked_for_on_a_pi_and_nowhere_else() -> None:
    asked = {str(target): "lgpio" in {need.name for need in runtime.direct(target)} for target in ALL}
    assert asked == {str(target): target.arch == "aarch64" for target in ALL}


def test_a_pin_that_is_none_is_refused() -> None:
    with pytest.raises(runtime.Refused, match="'paho-mqtt>=2' is not name==version"):
        runtime.pins("paho-mqtt>=2\n")


def test_the_set_is_closed_and_holds_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A marker is held against the machine that the release is for, not this one."""
    needs = {"gpiozero": ("colorzero", "rpds-py; platform_machine == 'mips'", "idna; extra == 'doc'"), "colorzero": ("setuptools",)}
    asked: list[str] = []

    def wheel_of(name: str, version: str) -> Path:
        asked.append(name)
        return plain_wheel(tmp_path, name.replace("-", "_"), version, *needs.get(name, ()))

    wheels = runtime.closure(Target("aarch64", "3.13"), wheel_of)
    names = [wheel_file.name_of(wheel.name) for wheel in wheels]
    direct = ["diskcache", "gpiozero", "lgpio", "msgpack", "msgspec", "paho-mqtt", "pynmea2", "pyserial"]
    assert names == sorted([*direct, "colorzero", "setuptools"])
    assert sorted(asked) == names


def test_a_dependency_of_a_dependency_without_a_pin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(runtime.Refused, match="leftpad runs in the vehicle and has no line in constraints"):
        runtime.closure(
            Target("x86_64", "3.11"), lambda name, version: plain_wheel(tmp_path, name.replace("-", "_"), version, "leftpad")
        )


def test_the_best_wheel_is_the_one_that_pip_would_take() -> None:
    wheels = ["x-1-1outpost-cp311-abi3-manylinux_2_34_aarch64.whl", "x-1-cp311-cp311-manylinux_2_34_aarch64.whl", "x-1-py3-none-any.whl"]
    assert wheel_file.best(wheels, Target("aarch64", "3.11").tags) == wheels[1]
    assert wheel_file.best(wheels, Target("aarch64", "3.13").tags) == wheels[0]
    assert wheel_file.best(wheels, Target("x86_64", "3.13").tags) == wheels[2]
    assert wheel_file.best(["x-1-cp311-cp311-manylinux_2_39_aarch64.whl"], Target("aarch64", "3.11").tags) is None


def test_a_file_that_differs_from_its_checksum_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (name, version), target = ("pyserial", runtime.pins()[canonicalize_name("pyserial")]), Target("x86_64", "3.11")
    downloads = wheelhouse.Downloads(tmp_path, runtime.checksums())
    forged = plain_wheel(tmp_path, name, version, tag="py2.py3-none-any")
    assert forged.name in runtime.checksums()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(runtime.Refused, match="could not be had"):
        downloads.wheel(target, canonicalize_name(name), version)


def test_the_requirements_have_a_checksum_for_each_file(tmp_path: Path) -> None:
    wheels = [plain_wheel(tmp_path, "b", "1", tag=tag) for tag in ("cp311-cp311-linux_aarch64", "cp313-cp313-linux_aarch64")]
    wheels[1].write_bytes(b"another file")
    text = wheelhouse.requirements([*wheels, plain_wheel(tmp_path, "a", "2.0")])
    names = [line for line in text.splitlines() if "==" in line and not line.startswith("#")]
    assert names == ["a==2.0 \\", "b==1 \\"]
    assert sorted(text.count(wheel_file.sha256(wheel)) for wheel in wheels) == [1, 1]


# --- the bill of materials ------------------------------------------------------------------------------------------------------------


def bill(folder: Path, own: Path, target: str = "aarch64") -> dict[str, object]:
    pins = {each.name: runtime.pins()[canonicalize_name(each.name)] for each in runtime.direct(Target(target, "3.11"))}
    for name, version in pins.items():
        plain_wheel(folder, name.replace("-", "_"), version, licence="EPL-2.0 OR BSD-3-Clause" if name == "paho-mqtt" else "MIT")
    shutil.copy(own, folder)
    return sbom.document(target, sorted(folder.glob("*.whl")), targets(target), MOMENT)


def test_the_bill_of_materials_is_valid_and_tells_each_wheel_with_its_checksum(tmp_path: Path, built: tuple[Path, Path]) -> None:
    text = sbom.text(bill(tmp_path, built[1]))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    told = json.loads(text)
    files = {
        reference["url"].removeprefix("wheels/"): reference["hashes"][0]["content"]
        for each in [told["metadata"]["component"], *told["components"]]
        for reference in each["externalReferences"]
    }
    assert files == {wheel.name: wheel_file.sha256(wheel) for wheel in tmp_path.glob("*.whl")}
    assert {each["purl"] for each in told["components"]} == {
        f"pkg:pypi/{parse_wheel_filename(file)[0]}@{parse_wheel_filename(file)[1]}" for file in files if not file.startswith("outpost")
    }
    (graph,) = (each for each in told["dependencies"] if each["ref"].startswith("pkg:pypi/outpost-agent@"))
    assert set(graph["dependsOn"]) == {each["purl"] for each in told["components"]}
    assert all(each["licenses"] for each in told["components"])


def test_a_licence_that_nobody_told_is_refused(tmp_path: Path) -> None:
    with pytest.raises(runtime.Refused, match="does not tell its licence"):
        sbom.licence(plain_wheel(tmp_path, "leftpad", "1.0", licence=""))


# --- the bundle -----------------------------------------------------------------------------------------------------------------------


def test_a_bundle_holds_what_an_install_without_a_network_needs(tmp_path: Path, built: tuple[Path, Path]) -> None:
    house = tmp_path / "wheelhouse-aarch64"
    house.mkdir()
    bill(house, built[1])
    (house / wheelhouse.REQUIREMENTS).write_text(wheelhouse.requirements(sorted(house.glob("*.whl"))))
    archive, told = bundle.make("aarch64", house, tmp_path, MOMENT)
    first = archive.read_bytes()
    subprocess.run(["tar", "-xzf", archive, "-C", tmp_path], check=True)
    top = tmp_path / f"outpost-{__version__}-aarch64"
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=top, check=True)
    inside = ("requirements.txt", "systemd/outpost.service", "firmware_config/agent.toml", "agent/__init__.py", "LICENSE", "SECURITY.md")
    for name in inside:
        assert (top / name).is_file(), name
    assert os.access(top / "install", os.X_OK)
    said = subprocess.run([top / "install", "--version"], capture_output=True, text=True, check=True).stdout
    assert said.split()[-1] == __version__
    assert {path.name for path in (top / "wheels").iterdir()} == {path.name for path in house.glob("*.whl")}
    assert (top / bundle.SBOM).read_text("utf-8") == told.read_text("utf-8")
    assert bundle.make("aarch64", house, tmp_path, MOMENT)[0].read_bytes() == first


def test_a_release_is_for_64_bits_and_for_the_pythons_of_debian() -> None:
    assert ARCHES == ("aarch64", "x86_64")
    assert PYTHONS == ("3.11", "3.13")


# --- the audit comes first ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "strict"),
    [
        (audit.Looked([audit.Hole(frozenset({"CVE-2099-1"}), canonicalize_name("msgpack"), "1.1.2")]), False),
        (audit.Looked(not_done=["nobody answered"]), True),
    ],
)
def test_a_hole_and_with_strict_a_look_that_was_not_done_makes_no_release(
    found: audit.Looked, strict: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "DIST", tmp_path)
    with pytest.raises(runtime.Refused, match="nothing was made"):
        release.make_bundles(["x86_64"], strict=strict, ask=lambda packages: found)
    assert list(tmp_path.iterdir()) == []


def test_where_nobody_can_look_a_release_is_made_and_says_so_first_and_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """For no architecture: sdist, wheel and checksums need no network."""
    monkeypatch.setattr(release, "DIST", tmp_path)
    monkeypatch.setattr(release, "size", lambda path: path.name)  # not below the checkout
    assert release.make_bundles([], ask=lambda packages: audit.Looked(not_done=["nobody answered"])) == 0
    said = capsys.readouterr().out.splitlines()
    assert "NOT DONE: nobody answered" in said[2]
    assert "MADE WITHOUT NEWS OF HOLES" in said[-1]
    assert (tmp_path / "SHA256SUMS").is_file()
