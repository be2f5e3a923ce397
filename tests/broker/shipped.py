"""The shipped broker configuration on this machine: its own text with other places and ports, and certificates made by its own script."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from simulator.bench.brokers import READY_WITHIN_S, Mosquitto, free_port
from tests.broker.peers import CONNACK_ACCEPTED, Came, Peer, blurted, context
from tests.sources import PROJECT

SHIPPED = PROJECT / "firmware_config" / "broker"
ROOT = "outpost/v1"


def make_certs(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The script as a person calls it."""
    command = [sys.executable, str(SHIPPED / "make_certs.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def made(*arguments: str | Path) -> str:
    """The script, when it must work."""
    done = make_certs(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Certificates:
    """A directory of the script's, and who is who in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def authority(self) -> Path:
        """The broker's: the only one that units and centre trust."""
        return self.directory / "authorities" / "broker.crt"

    def unit(self, name: str) -> Path:
        """A unit's certificate and key, without their endings."""
        return self.directory / "units" / name / "unit"

    def centre(self, name: str) -> Path:
        """A program of the centre's."""
        return self.directory / "centre" / name / "user"

    def copy(self, to: Path) -> "Certificates":
        """To change without harm to others."""
        shutil.copytree(self.directory, to)
        return Certificates(to)


def fleet(directory: Path) -> Certificates:
    """A broker at 127.0.0.1; car-1 in the group east, car-2, car-3; one whose certificate has expired; the three programs of the centre."""
    made("ca", directory, "127.0.0.1", "localhost")
    made("unit", directory, "car-1", "car-2", "car-3")
    made("unit", directory, "old", "--from", "2020-01-01", "--days", "30")
    made("centre", directory, "dispatch", "archive", "monitor")
    groups = directory / "groups.txt"
    groups.write_text("# 编组\ncar-1 east patrol\n")
    made("groups", directory, groups)
    return Certificates(directory)


class Shipped(Mosquitto):
    """Mosquitto with `firmware_config/broker/mosquitto.conf`: only directories and listeners' addresses are other ones."""

    def __init__(self, directory: Path, certificates: Certificates) -> None:
        super().__init__(directory)
        self.certificates = certificates
        self.centre_port = free_port()

    def _arguments(self) -> list[str]:
        text = (SHIPPED / "mosquitto.conf").read_text()
        for shipped, here, times in (
            ("/etc/mosquitto/outpost/", f"{self.certificates.directory}/mosquitto/", 10),
            ("persistence_location /var/lib/mosquitto/\n", f"persistence_location {self.directory}/\n", 1),
            ("listener 8883\n", f"listener {self._port} 127.0.0.1\n", 1),
            ("listener 8884\n", f"listener {self.centre_port} 127.0.0.1\n", 1),
        ):
            assert text.count(shipped) == times, f"{shipped!r} is {text.count(shipped)} times in mosquitto.conf"
            text = text.replace(shipped, here)
        # An own user would lose the directory: started by root it becomes `mosquitto` unless told otherwise.
        file = self.directory / "mosquitto.conf"
        file.write_text(("" if os.getuid() else "user root\n") + text)
        return ["-c", str(file)]

    def _ready(self, child: subprocess.Popen[bytes]) -> bool:
        monitor = context(self.certificates.authority, self.certificates.centre("monitor"))
        deadline, pause = time.monotonic() + READY_WITHIN_S, threading.Event()
        while time.monotonic() < deadline and child.poll() is None:
            try:
                if blurted(self.centre_port, monitor, "ready", Came("nobody/hears", b"")) == CONNACK_ACCEPTED:
                    return child.poll() is None
            except OSError:
                pass
            pause.wait(0.02)
        return False

    def reload(self) -> None:
        """SIGHUP; done once the broker has answered further callers, since it looks for the signal in each turn of its loop."""
        assert self.pid is not None
        os.kill(self.pid, signal.SIGHUP)
        monitor = context(self.certificates.authority, self.certificates.centre("monitor"))
        for _ in range(2):
            assert blurted(self.centre_port, monitor, "ready", Came("nobody/hears", b"")) == CONNACK_ACCEPTED

    # --- who comes ------------------------------------------------------------------------------------------------------------------

    def unit(self, name: str, client_id: str | None = None, protocol: int = 5, will: Came | None = None, clean: bool = True) -> Peer:
        """A unit with its own certificate, whatever client id it claims."""
        tls = context(self.certificates.authority, self.certificates.unit(name))
        return Peer(self.port, tls, name if client_id is None else client_id, protocol, will, clean)

    def program(self, name: str, client_id: str | None = None, protocol: int = 5) -> Peer:
        """A program of the centre."""
        tls = context(self.certificates.authority, self.certificates.centre(name))
        return Peer(self.centre_port, tls, name if client_id is None else client_id, protocol)
