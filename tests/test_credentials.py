"""`credential:NAME` in a config: the copy of a key that systemd hands over, or its original."""

from pathlib import Path

import pytest

from agent import config_file
from agent.config_file import ConfigError, ConfigErrors

LEAST = '[unit]\nid = "JD-0417"\n[mqtt]\nendpoints = ["mqtt://localhost"]\n'
CREDENTIALS = LEAST + 'cert = "credential:unit.pem"\nkey = "credential:unit.key"\n'


def put(directory: Path, text: str) -> Path:
    file = directory / "agent.toml"
    file.write_text(text)
    return file


def only(directory: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigErrors) as raised:
        config_file.read(put(directory, text))
    assert len(raised.value.errors) == 1
    return raised.value.errors[0]


def secret(directory: Path, name: str) -> Path:
    file = directory / name
    file.write_text("secret")
    file.chmod(0o600)
    return file



def test_a_credential_is_the_copy_that_systemd_hands_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As systemd 252 makes them: of root, mode 0440, where the group's bit is the mask of the service's user."""
    handed = tmp_path / "handed"
    handed.mkdir()
    for name in ("keys_unit.pem", "keys_unit.key"):
        secret(handed, name).chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed))
    assert config_file.read(put(tmp_path, CREDENTIALS)).mqtt.key == str(handed / "keys_unit.key")
    (handed / "keys_unit.key").chmod(0o444)
    assert "others than its owner have access" in only(tmp_path, CREDENTIALS).message
    (handed / "keys_unit.key").unlink()
    assert only(tmp_path, CREDENTIALS).message.startswith("systemd has not handed over unit.key; put it into /etc/outpost/keys")


def test_without_systemd_a_credential_is_the_file_in_the_folder_of_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    keys = tmp_path / "keys"
    keys.mkdir()
    secret(keys, "unit.pem")
    assert only(tmp_path, CREDENTIALS).message == f"there is no file {keys / 'unit.key'}; put it there, or correct the path"
    secret(keys, "unit.key")
    assert config_file.read(put(tmp_path, CREDENTIALS)).mqtt.key == str(keys / "unit.key")
    (keys / "unit.key").chmod(0o440)
    assert "others than its owner have access" in only(tmp_path, CREDENTIALS).message


@pytest.mark.parametrize("name", ["", "../unit.key", "/unit.key", "."])
def test_a_credential_is_a_mere_name(tmp_path: Path, name: str) -> None:
    error = only(tmp_path, LEAST + f'ca = "credential:{name}"\n')
    assert error.key == "mqtt.ca"
    assert error.message.startswith(f'found "credential:{name}"; expected credential: and the name of a file')
