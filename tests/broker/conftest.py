"""The shipped broker with an honest unit and an honest centre on it."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.bench.brokers import find_mosquitto
from tests.broker.peers import Came, Peer
from tests.broker.shipped import ROOT, Certificates, Shipped, fleet


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made once; a test that revokes or renews takes a copy."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command: apt install openssl")
    return fleet(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def broker(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shipped]:
    """Running; the tests of a file share it."""
    if find_mosquitto() is None:
        pytest.skip("no Mosquitto: apt install mosquitto")
    found = Shipped(tmp_path_factory.mktemp("shipped"), certificates)
    found.start()
    yield found
    found.stop()


class Scene:
    """The honest: `car` (car-1) reads its orders, `archive` hears everything of everybody, `dispatch` gives orders."""

    def __init__(self, broker: Shipped) -> None:
        self.broker = broker
        self._given: set[Came] = set()
        self.car = broker.unit("car-1").subscribe(f"{ROOT}/u/car-1/down/+", f"{ROOT}/u/car-1/desired/#", f"{ROOT}/g/east/down/+")
        self.archive = broker.program("archive").subscribe(f"{ROOT}/#")
        self.dispatch = broker.program("dispatch")

    def heard(self) -> list[Came]:
        """All that the centre was delivered up to now but its own orders: what came before a word that the honest car says now."""
        word = Came(f"{ROOT}/u/car-1/up/event", uuid.uuid4().bytes)
        assert self.car.publish(word.topic, word.payload) == "Success"
        return [came for came in self._until(self.archive, word) if came not in self._given]

    def order(self, to: str, kind: str = "notice") -> Came:
        """The dispatcher gives an order, the broker has it."""
        given = Came(f"{ROOT}/{to}/down/{kind}", uuid.uuid4().bytes)
        assert self.dispatch.publish(given.topic, given.payload) in ("Success", "No matching subscribers")
        self._given.add(given)
        return given

    def read(self, peer: Peer, unit: str) -> list[Came]:
        """All that a peer who reads the orders of `unit` was delivered up to now: what came before an order to it."""
        return self._until(peer, self.order(f"u/{unit}"))

    def close(self) -> None:
        """The honest go home."""
        for peer in (self.car, self.archive, self.dispatch):
            peer.close()

    @staticmethod
    def _until(peer: Peer, word: Came) -> list[Came]:
        return list(iter(peer.next, word))


@pytest.fixture
def scene(broker: Shipped) -> Iterator[Scene]:
    """The honest, and nothing heard yet."""
    found = Scene(broker)
    found.heard()  # what others left retained
    found.read(found.car, "car-1")
    yield found
    found.close()


@pytest.fixture
def own_broker(certificates: Certificates, tmp_path: Path) -> Iterator[Shipped]:
    """Running, with certificates that may be revoked."""
    if find_mosquitto() is None:
        pytest.skip("no Mosquitto: apt install mosquitto")
    found = Shipped(tmp_path / "broker", certificates.copy(tmp_path / "certificates"))
    found.start()
    yield found
    found.stop()
