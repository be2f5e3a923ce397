"""What the agent is given of the keys that root has put down: what systemd could not hand over is left out, and half a renewal waits."""

import os
from pathlib import Path

import pytest

from agent import key_stage
from agent.key_stage import FILE_BYTES_MAX, FILES_MAX, NAME_CHARS_MAX, TOTAL_BYTES_MAX, Files
from tests.broker.shipped import Certificates, made

CONFIG = '[mqtt]\nca = "credential:ca.crt"\ncert = "credential:unit.crt"\nkey = "credential:unit.key"\n'
TRIPLE = ("ca.crt", "unit.crt", "unit.key")

Pair = dict[str, bytes]


@pytest.fixture(scope="module")
def renewals(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pair, Pair]:
    """A certificate with its key, and the same renewed."""
    directory = tmp_path_factory.mktemp("certificates") / "fleet"
    made("ca", directory, "127.0.0.1")
    found = []
    for more in ((), ("--renew",)):
        made("unit", directory, "car-1", *more)
        beside = Certificates(directory).unit("car-1").parent
        found.append({name: (beside / name).read_bytes() for name in TRIPLE})
    return found[0], found[1]


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    (tmp_path / "agent.toml").write_text(CONFIG)
    source = tmp_path / "keys"
    source.mkdir()
    return source


def put(keys: Path, files: Files) -> None:
    for name, data in files.items():
        (keys / name).write_bytes(data)


def plan(keys: Path, before: Files | None = None) -> key_stage.Plan:
    return key_stage.plan(keys, before or {}, keys.parent / "agent.toml")


def test_what_belongs_together_is_handed_over_without_a_word(keys: Path, renewals: tuple[Pair, Pair]) -> None:
    put(keys, renewals[0])
    assert plan(keys) == (renewals[0], [])
    put(keys, renewals[1])
    assert plan(keys, renewals[0]) == (renewals[1], [])


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_folder(path: Path) -> None:
    path.mkdir()
    (path / "inner").write_text("x")


def make_dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def make_large(path: Path) -> None:
    path.write_bytes(b"x" * (FILE_BYTES_MAX + 1))


def make_small(path: Path) -> None:
    path.write_bytes(b"x")


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        ("旧证书.crt", make_small, "plain ASCII"),
        ("unit:old.key", make_small, "plain ASCII"),
        ("new\nline", make_small, "plain ASCII"),
        (os.fsdecode(b"\xff.crt"), make_small, "plain ASCII"),
        ("n" * (NAME_CHARS_MAX + 1), make_small, "its name has"),
        ("backup.tar", make_large, f"more than {FILE_BYTES_MAX} bytes"),
        ("pipe", make_pipe, "it is no file"),
        ("old", make_folder, "it is no file"),
        ("dangling", make_dangling, "cannot be read (No such file or directory)"),
    ],
    ids=["chinese", "colon", "newline", "bytes", "long", "large", "pipe", "folder", "dangling"],
)
def test_a_stray_is_left_out_and_said_and_costs_the_others_nothing(
    keys: Path, renewals: tuple[Pair, Pair], name: str, make: object, said: str
) -> None:
    put(keys, renewals[0])
    assert callable(make)
    make(keys / name)
    files, left_out = plan(keys)
    assert files == renewals[0]
    assert len(left_out) == 1
    assert said in left_out[0].en
    assert left_out[0].en.isprintable()


def test_what_the_config_names_is_not_crowded_out(keys: Path, renewals: tuple[Pair, Pair]) -> None:
    put(keys, {f"a{n:03}": b"x" for n in range(FILES_MAX)} | renewals[0])
    files, left_out = plan(keys)
    assert len(files) == FILES_MAX
    assert files.items() >= renewals[0].items()
    assert len(left_out) == len(TRIPLE)


def test_all_together_stay_below_what_systemd_hands_over(keys: Path, renewals: tuple[Pair, Pair]) -> None:
    put(keys, {f"a{n:03}": b"x" * FILE_BYTES_MAX for n in range(20)} | renewals[0])
    files, left_out = plan(keys)
    assert files.items() >= renewals[0].items()
    assert sum(map(len, files.values())) <= TOTAL_BYTES_MAX
    assert left_out


@pytest.mark.parametrize("half", ["unit.crt", "unit.key"])
def test_of_half_a_renewal_the_two_before_are_used_on(keys: Path, renewals: tuple[Pair, Pair], half: str) -> None:
    old, new = renewals
    put(keys, old | {half: new[half]})
    files, left_out = plan(keys, old)
    assert files == old
    assert left_out == [
        ("unit.crt and unit.key cannot be used: the key is not that of the certificate; the ones before are used on",
         "unit.crt 和 unit.key 无法使用：私钥与证书不配套；继续使用原来的"),
    ]  # fmt: skip


def test_half_a_renewal_with_none_before_is_handed_over_for_the_agent_to_say_so(keys: Path, renewals: tuple[Pair, Pair]) -> None:
    both = renewals[0] | {"unit.crt": renewals[1]["unit.crt"]}
    put(keys, both)
    files, left_out = plan(keys)
    assert files == both
    assert [str(line) for line in left_out] == ["unit.crt and unit.key cannot be used: the key is not that of the certificate"]


@pytest.mark.parametrize("content", [b"", b"rubbish", b"-----BEGIN PRIVATE KEY-----\n"])
def test_a_key_that_is_none_is_half_a_renewal_too(keys: Path, renewals: tuple[Pair, Pair], content: bytes) -> None:
    old, new = renewals
    put(keys, new | {"unit.key": content})
    assert plan(keys, old).files == old | {"ca.crt": new["ca.crt"]}


def test_one_of_two_that_is_gone_is_half_a_renewal_and_both_gone_are_gone(keys: Path, renewals: tuple[Pair, Pair]) -> None:
    old = renewals[0]
    put(keys, {name: old[name] for name in ("ca.crt", "unit.crt")})
    assert plan(keys, old).files == old
    (keys / "unit.crt").unlink()
    assert plan(keys, old) == ({"ca.crt": old["ca.crt"]}, [])


def test_without_a_config_what_is_called_alike_belongs_together(keys: Path, renewals: tuple[Pair, Pair]) -> None:
    (keys.parent / "agent.toml").unlink()
    old, new = renewals
    put(keys, old | {"unit.key": new["unit.key"]})
    assert plan(keys, old).files == old


def test_a_folder_that_is_gone_is_empty_and_one_that_cannot_be_read_changes_nothing(keys: Path, renewals: tuple[Pair, Pair]) -> None:
    keys.rmdir()
    assert plan(keys, renewals[0]) == ({}, [])
    keys.write_text("a file")
    assert plan(keys, renewals[0]).files == renewals[0]


def test_of_a_file_that_cannot_be_read_any_more_the_one_before_is_used_on(keys: Path, renewals: tuple[Pair, Pair]) -> None:
    """A link to itself stands for a card that gives an error."""
    put(keys, renewals[0])
    (keys / "unit.key").unlink()
    (keys / "unit.key").symlink_to("unit.key")
    files, left_out = plan(keys, renewals[0])
    assert files == renewals[0]
    assert [line.en.rpartition("; ")[2] for line in left_out] == ["the one before is used on"]


def test_the_stage_holds_exactly_what_was_planned_for_its_owner_only(tmp_path: Path) -> None:
    stage = tmp_path / "stage"
    key_stage.lay(stage, {"a": b"1", "b": b"2"})
    (stage / ".c").write_text("left by a power cut")
    key_stage.lay(stage, {"b": b"3"})
    assert key_stage.staged(stage) == {"b": b"3"}
    assert [path.name for path in stage.iterdir()] == ["b"]
    assert (stage.stat().st_mode & 0o777, (stage / "b").stat().st_mode & 0o777) == (0o700, 0o400)


def test_whether_it_differs_is_told_by_the_exit_code(
    keys: Path, renewals: tuple[Pair, Pair], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(key_stage, "SOURCE", keys)
    monkeypatch.setattr(key_stage, "CONFIG", keys.parent / "agent.toml")
    monkeypatch.setattr(key_stage, "STAGE", keys.parent / "stage")
    put(keys, renewals[0])
    assert key_stage.main(["--differs"]) == 0
    assert key_stage.main([]) == 0
    assert key_stage.main(["--differs"]) == 1
    put(keys, {"unit.key": renewals[1]["unit.key"]})
    assert key_stage.main(["--differs"]) == 1, "half a renewal"
    put(keys, renewals[1])
    assert key_stage.main(["--differs"]) == 0
    assert "the ones before are used on" in capsys.readouterr().err
