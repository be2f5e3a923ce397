"""The released bundle on the processor of a Raspberry Pi: it installs without a network, its machine code runs, the agent does its work."""

import json
import re
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from agent import __version__
from agent.wire.records import Alarm
from simulator.bench.car_config import Options
from tests.arm64.emulated import Pi
from tests.black_box.desk import Desk

OUTPOST = "/opt/outpost/current/bin/outpost"
PYTHON = "/opt/outpost/current/bin/python"
EMULATED_S = 120.0
"""Nothing that is asserted: how long one waits for an emulated process."""

LGPIO = """
import lgpio, _lgpio, json
try:
    lgpio.gpiochip_open(99)
except lgpio.error as error:
    print(json.dumps([_lgpio.__file__, str(error), lgpio.get_module_version()]))
"""


def test_it_is_a_pi_by_its_processor(pi: Pi) -> None:
    assert pi.run(["uname", "-m"]).strip() == "aarch64"
    assert pi.run(["python3", "-c", "import struct; print(struct.calcsize('P'))"]).strip() == "8"


def test_install_needs_no_network_and_lays_everything(installed: Pi) -> None:
    packages = json.loads(installed.run([PYTHON, "-m", "pip", "list", "--format", "json"]))
    versions = {each["name"]: each["version"] for each in packages}
    assert versions["outpost-agent"] == __version__
    assert {"diskcache", "gpiozero", "lgpio", "msgpack", "msgspec", "paho-mqtt", "pynmea2", "pyserial"} <= versions.keys()
    installed.run([PYTHON, "-m", "pip", "check"])
    assert installed.path("/opt/outpost/current").is_symlink()
    assert installed.path("/etc/outpost/agent.toml").is_file()


def test_the_module_for_the_pins_is_machine_code_that_runs(installed: Pi) -> None:
    """The maker's own on bookworm, the one that is built here on trixie; without a chip it says so in its own words."""
    file, error, _ = json.loads(installed.run([PYTHON, "-W", "error", "-c", LGPIO]))
    assert re.search(r"_lgpio\.(cpython-311-aarch64-linux-gnu|abi3)\.so$", file)
    assert "gpiochip" in error


def test_the_config_that_is_laid_wants_what_only_its_owner_knows_and_nothing_else(installed: Pi) -> None:
    said = installed.run(["sh", "-c", f"{OUTPOST} check -c /etc/outpost/agent.toml 2>&1; echo $?"])
    assert "unit.id" in said
    assert "mqtt.endpoints" in said
    assert said.splitlines()[-2:] == ["2 mistakes; nothing was driven", "2"]


class EmulatedDesk(Desk):
    """A car at this desk whose agent runs on the emulated Pi; its broker, receiver and pins are here."""

    def __init__(self, directory: Path, pi: Pi) -> None:
        super().__init__(directory, Options(keepalive_s=30))
        self.pi = pi

    def start(self) -> None:
        super().start()
        self.notified = self._sockets / "notify.sock"
        self._heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._left.callback(self._heard.close)
        self._heard.bind(str(self.notified))
        self._heard.settimeout(EMULATED_S)

    def start_agent(self) -> int:
        env = {name: value for name, value in self.environment.items() if name.startswith(("GPIOZERO", "OUTPOST"))}
        env["NOTIFY_SOCKET"] = str(self.notified)
        whole = self.pi.command([OUTPOST], env, [self.directory, self._sockets], network=True)
        # The desk adds `run -c FILE`; a shell takes that into its last word.
        self.command = [*whole[:-1], f'{whole[-1]} "$@"', "outpost"]
        return super().start_agent()

    def wait_for_word(self, word: str) -> None:
        """Wait until the agent has told its service manager."""
        while word not in self._heard.recv(4096).decode().splitlines():
            pass


def test_outpost_run_comes_to_ready_and_a_press_reaches_the_centre(installed: Pi, tmp_path: Path) -> None:
    """READY=1 as systemd would hear it; then a press on the simulated pins is an alarm at a real broker, and the end is orderly."""
    with EmulatedDesk(tmp_path / "car", installed) as desk:
        desk.start_agent()
        desk.wait_for_word("READY=1")
        desk.press()
        desk.hear(Alarm, lambda record: record.state == "raised", timeout=EMULATED_S)
        desk.release()
        assert desk.stop_agent() == 0


@pytest.mark.timeout(7200)
def test_the_core_tests_pass(with_pytest: Pi) -> None:
    """Two halves side by side, as this machine has two cores; the agent that is tested is the installed one."""
    halves = sorted(with_pytest.path("/src/tests/core").glob("test_*.py"))
    said: dict[int, str] = {}

    def run(half: int) -> None:
        files = [f"tests/core/{path.name}" for path in halves[half::2]]
        words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=1200", *files]
        inside = f"cd /src && exec {PYTHON} {' '.join(words)} 2>&1; true"
        done = subprocess.run(with_pytest.command(["sh", "-c", inside], {}), capture_output=True, text=True, timeout=7000, check=False)
        said[half] = done.stdout

    threads = [threading.Thread(target=run, args=(half,), name=f"half {half}") for half in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = [said[half].strip().splitlines()[-1] for half in (0, 1)]
    print(f"{with_pytest.root.name}: tests/core: {last}")
    assert all(re.search(r"^\d+ passed", line) for line in last), "\n".join(said[half][-4000:] for half in (0, 1))
    where = with_pytest.run(["sh", "-c", f"cd /src && {PYTHON} -c 'import agent; print(agent.__file__)'"])
    assert where.startswith("/opt/outpost/")
