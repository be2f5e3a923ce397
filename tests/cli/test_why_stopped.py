"""`outpost why` where no agent answers: config, socket, store, systemd and the journal are looked at."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.cli import parser, why, why_stopped
from agent.cli.why_words import Words

Read = Callable[[], Any]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Read:
    return capsys.readouterr


@pytest.fixture
def lonely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without systemd: a directory for programs, which is all of PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    return programs


def outpost(*words: str | Path) -> int:
    return parser.main(["why", *map(str, words)])


CONFIG = '[unit]\nid = "car-1"\nlanguage = "en"\n[mqtt]\nendpoints = ["mqtt://a"]\n[socket]\npath = "agent.sock"\n[store]\npath = "store"\n'


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    made = tmp_path / "agent.toml"
    made.write_text(CONFIG)
    return made


@pytest.mark.usefixtures("lonely")
def test_without_an_agent_config_socket_and_store_are_looked_at(toml: Path, printed: Read) -> None:
    (toml.parent / "store").mkdir()
    assert outpost("-c", toml) == 3
    flat = " ".join(printed().out.split())
    assert flat.startswith(f"The agent does not run: nothing answers at {toml.parent}/agent.sock. 1 agent.stopped: ")
    assert f"config: {toml} is right" in flat
    assert f"socket: {toml.parent}/agent.sock is not there" in flat
    assert f"store: {toml.parent}/store is there and can be written" in flat


@pytest.mark.usefixtures("lonely")
def test_the_socket_of_a_dead_agent_is_told_as_such(toml: Path, printed: Read) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(toml.parent / "agent.sock"))
    assert outpost("-c", toml) == 3
    assert "nobody listens: the agent has died" in " ".join(printed().out.split())


@pytest.mark.usefixtures("lonely")
def test_a_store_that_is_no_directory_is_wrong_and_one_that_is_not_there_will_be_made(toml: Path, printed: Read) -> None:
    assert outpost("-c", toml) == 3
    assert "the start makes it" in " ".join(printed().out.split())
    (toml.parent / "store").write_text("")
    assert outpost("-c", toml) == 3
    assert "1 store.unwritable: " in printed().out


@pytest.mark.parametrize("text", ["", "[unit", CONFIG.replace("id =", "idd ="), None])
@pytest.mark.usefixtures("lonely")
def test_a_wrong_config_file_comes_first_and_is_exit_code_2(toml: Path, printed: Read, text: str | None) -> None:
    if text is None:
        toml.unlink()
    else:
        toml.write_text(text)
    assert outpost("--lang", "en", "-c", toml) == 2
    out = printed().out
    assert " 1 config.bad: the config file is wrong\n" in out
    assert f"`outpost check -c {toml}`" in " ".join(out.split())


def test_what_we_may_not_read_is_not_called_wrong(tmp_path: Path) -> None:
    """The agent's keys are its own; whoever looks without sudo cannot see them."""
    seen = why_stopped.ConfigSeen(None, ())
    looked = why_stopped.look(tmp_path / "a.sock", tmp_path / "agent.toml", seen, Words("en"))
    assert looked.findings == []
    assert "may not be read by you" in looked.lines[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not read it")
def test_a_key_that_is_the_agents_own_is_no_mistake(toml: Path) -> None:
    key = toml.parent / "password"
    key.write_text("secret")
    key.chmod(0o600)
    toml.write_text(CONFIG.replace("[socket]", 'username = "car-1"\npassword_file = "password"\n[socket]'))
    for place in (toml, *toml.parents):
        if place.stat().st_uid == 0 and place != Path("/"):
            place.chmod(place.stat().st_mode | 0o005)
    assert why_stopped.read_config(toml).config is not None
    try:
        os.seteuid(65534)
        assert why_stopped.read_config(toml) == why_stopped.ConfigSeen(None, ())
    finally:
        os.seteuid(0)


def program(at: Path, name: str, says: str, code: int = 0) -> None:
    """A program of that name which prints that."""
    (at / name).write_text(f"#!/bin/sh\n/bin/cat <<'END'\n{says}\nEND\nexit {code}\n")
    (at / name).chmod(0o755)


FAILED = "LoadState=loaded\nActiveState=activating\nSubState=auto-restart\nResult=exit-code\nNRestarts=7\nUnitFileState=disabled"


def test_systemd_and_its_journal_are_asked_where_they_are(toml: Path, lonely: Path, printed: Read) -> None:
    program(lonely, "systemctl", FAILED)
    program(lonely, "journalctl", "Traceback …\nOSError: [Errno 5] \x1b[2JInput/output error")
    assert outpost("-c", toml) == 3
    out = printed().out
    assert "systemd: outpost is activating (auto-restart), last result: exit-code, restarted 7 times, not started at boot" in " ".join(
        out.split()
    )
    assert "OSError: [Errno 5] \N{REPLACEMENT CHARACTER}[2JInput/output error" in out


def test_a_service_that_is_not_installed_is_told(lonely: Path) -> None:
    program(lonely, "systemctl", "LoadState=not-found\nActiveState=inactive")
    assert why_stopped.service(Words("zh")) == ["systemd：没有安装 outpost 服务，安装方法见 systemd/outpost.service 开头"]


def test_where_systemd_does_not_run_nothing_is_said_of_it(lonely: Path) -> None:
    assert why_stopped.service(Words("en")) == []
    program(lonely, "systemctl", "", code=1)
    assert why_stopped.service(Words("en")) == []


def test_the_language_is_that_of_the_config_else_that_of_the_shell(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert why.language(toml) == "en"
    assert why.language(toml.parent / "none.toml") == "zh"
    monkeypatch.setenv("LANG", "C.UTF-8")
    assert why.language(toml.parent / "none.toml") == "en"
    toml.write_text('[unit]\nid = "car-1"\n')
    assert why.language(toml) == "zh", "the agent's own default"
