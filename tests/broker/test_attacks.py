"""Twelve attacks on the shipped Mosquitto configuration (rogue broker: test_agent.py), judged by what is delivered, not what is answered.

Each is tried by somebody who may do the honest half of it, in the same test: so it fails for its own reason, and not because nothing works.
MQTT 3.1.1 answers a forbidden publish with success; then only the delivery tells.
"""

import ssl
import warnings
from pathlib import Path

import pytest

from tests.broker.conftest import Scene
from tests.broker.peers import CONNACK_ACCEPTED, Came, blurted, context
from tests.broker.shipped import ROOT, Certificates, Shipped, fleet, made

BOTH = pytest.mark.parametrize("protocol", [5, 4], ids=["v5", "v3.1.1"])

FOREIGN = (
    f"{ROOT}/u/car-1/up/alarm",
    f"{ROOT}/u/car-1/state/presence",
    f"{ROOT}/u/car-1/down/alarm.clear",
    f"{ROOT}/u/car-2/down/alarm.clear",
    f"{ROOT}/u/car-2/desired/plan",
    f"{ROOT}/g/east/down/notice",
    f"{ROOT}/u/car-2x/up/alarm",
    f"{ROOT}/u/car-2/other/alarm",
    "outpost/v2/u/car-2/up/alarm",
)


# --- publish as another unit ----------------------------------------------------------------------------------------------------------


@BOTH
def test_a_unit_speaks_for_itself_and_for_nobody_else(broker: Shipped, scene: Scene, protocol: int) -> None:
    thief = broker.unit("car-2", protocol=protocol)
    own = [Came(f"{ROOT}/u/car-2/up/alarm", b"mine"), Came(f"{ROOT}/u/car-2/state/presence", b"mine")]
    for topic in FOREIGN:
        for retain in (False, True):
            said = thief.publish(topic, b"stolen", retain)
            assert said == ("Not authorized" if protocol == 5 else "Success"), topic  # 3.1.1 lies: see the delivery below
    for word in own:
        assert thief.publish(word.topic, word.payload) == "Success"
    assert scene.heard() == own
    assert scene.read(scene.car, "car-1") == [], "the car took an order from a thief"
    late = scene.dispatch.subscribe(*FOREIGN, f"{ROOT}/u/car-1/down/notice")
    assert scene.read(late, "car-1") == [], "something of the thief's is retained"
    thief.close()


# --- read another's orders, and # -----------------------------------------------------------------------------------------------------

CURIOUS = {
    "another's orders": (f"{ROOT}/u/car-1/down/+", f"{ROOT}/u/car-1/desired/#"),
    "a group it is not in": (f"{ROOT}/g/east/down/+", f"{ROOT}/g/+/down/+", f"{ROOT}/g/east/desired/#"),
    "everything": ("#",),
    "everything of ours": (f"{ROOT}/#", "+/+/#", f"{ROOT}/u/+/+/+"),
    "the broker itself": ("$SYS/#",),
    "a share of everything": ("$share/all/#", f"$share/all/{ROOT}/u/+/down/+"),
}


@BOTH
@pytest.mark.parametrize("filters", CURIOUS.values(), ids=CURIOUS.keys())
def test_a_unit_reads_its_own_orders_and_nobody_elses(broker: Shipped, scene: Scene, filters: tuple[str, ...], protocol: int) -> None:
    assert scene.dispatch.publish(f"{ROOT}/u/car-1/desired/plan", b"retained", retain=True) == "Success"
    spy = broker.unit("car-2", protocol=protocol).subscribe(*filters, f"{ROOT}/u/car-2/down/+")
    assert scene.car.publish(f"{ROOT}/u/car-1/state/presence", b"retained", retain=True) == "Success"
    sent = [scene.order("u/car-1"), scene.order("g/east")]
    assert scene.read(scene.car, "car-1") == [Came(f"{ROOT}/u/car-1/desired/plan", b"retained"), *sent]
    assert scene.read(spy, "car-2") == []
    late = broker.unit("car-3", protocol=protocol).subscribe(*filters, f"{ROOT}/u/car-3/down/+")
    assert scene.read(late, "car-3") == [], "it may not read what is retained either"
    late.close()
    spy.close()


def test_a_group_is_read_by_who_is_in_it_from_the_reload_on(own_broker: Shipped, tmp_path: Path) -> None:
    spare, dispatch = own_broker.unit("car-3"), own_broker.program("dispatch")
    spare.subscribe(f"{ROOT}/g/west/down/+", f"{ROOT}/u/car-3/down/+")
    scene_words = [Came(f"{ROOT}/g/west/down/notice", b"before"), Came(f"{ROOT}/g/west/down/notice", b"after")]
    dispatch.publish(*scene_words[0][:2])
    groups = tmp_path / "groups.txt"
    groups.write_text("car-3 west\n")
    made("groups", own_broker.certificates.directory, groups)
    own_broker.reload()
    dispatch.publish(*scene_words[1][:2])
    assert spare.next() == scene_words[1]
    assert not spare.ended.is_set(), "a reload ended a connection"
    spare.close()
    dispatch.close()


def test_a_shared_subscription_of_the_centre_is_not_safe_here_as_the_page_says(broker: Shipped, scene: Scene) -> None:
    """A limit of Mosquitto 2.0, which asks no access list at SUBSCRIBE. When this fails, it is gone: change docs/brokers.md."""
    sharing = scene.dispatch.subscribe(f"$share/desk/{ROOT}/u/+/up/#")
    thief = broker.unit("car-2").subscribe(f"$share/desk/{ROOT}/u/+/up/#")
    for number in range(10):
        assert scene.car.publish(f"{ROOT}/u/car-1/up/event", b"%d" % number) == "Success"
    sharing.subscribe(f"{ROOT}/u/car-1/down/notice")
    dealt = scene.read(sharing, "car-1")
    assert thief.came.empty(), "at least nobody reads what is not his"
    assert 0 < len(dealt) < 10
    thief.close()


def test_each_program_of_the_centre_may_do_its_own_part_only(broker: Shipped, scene: Scene) -> None:
    monitor = broker.program("monitor").subscribe("#", "$SYS/#")
    scene.order("u/car-1")
    assert scene.car.publish(f"{ROOT}/u/car-1/up/event", b"x") == "Success"
    assert scene.archive.publish(f"{ROOT}/u/car-1/down/alarm.clear", b"x") == "Not authorized"
    assert scene.dispatch.publish(f"{ROOT}/u/car-1/up/alarm", b"x") == "Not authorized"
    assert len(scene.read(scene.car, "car-1")) == 1
    assert monitor.next().topic.startswith("$SYS/"), "the honest half: it sees the broker"
    assert all(monitor.came.get().topic.startswith("$SYS/") for _ in range(monitor.came.qsize()))
    monitor.close()


# --- certificates: none, of another authority, expired, revoked; TLS 1.1 --------------------------------------------------------------


def opens(broker: Shipped, scene: Scene, identity: Path | None, name: str, port: int | None = None) -> bool:
    """Whether who shows that certificate gets a word in: answered with CONNACK, and delivered. One without the other fails."""
    word = Came(f"{ROOT}/u/{name}/up/alarm", b"in one breath")
    answer = blurted(port or broker.port, context(broker.certificates.authority, identity), name, word)
    delivered = word in scene.heard()
    assert delivered == (answer == CONNACK_ACCEPTED), f"{answer!r}, delivered: {delivered}"
    return delivered


def test_no_certificate_no_entry(broker: Shipped, scene: Scene, certificates: Certificates) -> None:
    assert opens(broker, scene, certificates.unit("car-2"), "car-2")
    assert not opens(broker, scene, None, "car-2")


def test_the_same_name_from_another_authority_no_entry(broker: Shipped, scene: Scene, certificates: Certificates, tmp_path: Path) -> None:
    strangers = fleet(tmp_path)
    assert opens(broker, scene, certificates.unit("car-2"), "car-2")
    assert not opens(broker, scene, strangers.unit("car-2"), "car-2")


def test_the_broker_the_centre_and_the_units_have_authorities_of_their_own(
    broker: Shipped, scene: Scene, certificates: Certificates
) -> None:
    broker_itself = certificates.directory / "mosquitto" / "broker"
    assert not opens(broker, scene, broker_itself, "car-2")
    assert not opens(broker, scene, certificates.centre("dispatch"), "car-2")
    assert not opens(broker, scene, certificates.unit("car-2"), "car-2", broker.centre_port)


def test_an_expired_certificate_no_entry(broker: Shipped, scene: Scene, certificates: Certificates, tmp_path: Path) -> None:
    renewed = certificates.copy(tmp_path / "certificates")
    made("unit", renewed.directory, "old", "--renew")
    assert not opens(broker, scene, certificates.unit("old"), "old")
    assert opens(broker, scene, renewed.unit("old"), "old")


def test_a_revoked_certificate_no_entry_from_the_reload_on_and_a_new_one_of_that_name_enters(own_broker: Shipped, tmp_path: Path) -> None:
    stolen = own_broker.certificates.copy(tmp_path / "stolen")
    scene = Scene(own_broker)
    assert opens(own_broker, scene, stolen.unit("car-3"), "car-3")
    open_one = own_broker.unit("car-3")
    made("revoke", own_broker.certificates.directory, "car-3")
    own_broker.reload()
    assert open_one.publish(f"{ROOT}/u/car-3/up/event", b"still here") == "Success", "the page says that an open connection stays"
    assert not opens(own_broker, scene, stolen.unit("car-3"), "car-3")
    assert opens(own_broker, scene, own_broker.certificates.unit("car-2"), "car-2")
    made("unit", own_broker.certificates.directory, "car-3")
    assert opens(own_broker, scene, own_broker.certificates.unit("car-3"), "car-3")
    open_one.close()
    scene.close()
    own_broker.stop()
    own_broker.start()
    scene = Scene(own_broker)
    assert not opens(own_broker, scene, stolen.unit("car-3"), "car-3"), "a restart forgot the list"
    scene.close()


def test_the_brokers_new_certificate_is_shown_from_the_reload_on(own_broker: Shipped) -> None:
    def shown() -> str:
        return ssl.get_server_certificate(("127.0.0.1", own_broker.port))

    before = shown()
    car = own_broker.unit("car-1")
    made("ca", own_broker.certificates.directory, "127.0.0.1", "localhost", "--renew")
    own_broker.reload()
    assert shown() != before
    assert car.publish(f"{ROOT}/u/car-1/up/event", b"x") == "No matching subscribers", "and nobody is disconnected"
    car.close()


def old_tls(certificates: Certificates, highest: ssl.TLSVersion) -> ssl.SSLContext:
    """What a client of 2006 would offer; today's OpenSSL does it only with its security level taken off."""
    made_context = context(certificates.authority, certificates.unit("car-2"))
    made_context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that TLS 1.1 is deprecated is the point
        made_context.minimum_version = ssl.TLSVersion.TLSv1_1
        made_context.maximum_version = highest
    return made_context


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext) -> str | None:
    """The version that the two agree on, without a network."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname="127.0.0.1"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(6):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
    return ends[0].version()


def test_tls_1_1_no_entry(broker: Shipped, scene: Scene, certificates: Certificates) -> None:
    word = Came(f"{ROOT}/u/car-2/up/alarm", b"old")
    old, newer = old_tls(certificates, ssl.TLSVersion.TLSv1_1), old_tls(certificates, ssl.TLSVersion.TLSv1_2)
    willing = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    willing.load_cert_chain(certificates.directory / "mosquitto" / "broker.crt", certificates.directory / "mosquitto" / "broker.key")
    willing.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        willing.minimum_version = ssl.TLSVersion.TLSv1_1
    assert shake_hands(old, willing) == "TLSv1.1", "this client cannot do it anyway, so the test would prove nothing"
    assert blurted(broker.port, old, "car-2", word) == b""
    assert blurted(broker.centre_port, old, "car-2", word) == b""
    assert scene.heard() == []
    assert blurted(broker.port, newer, "car-2", word) == CONNACK_ACCEPTED
    assert scene.heard() == [word]


# --- client-id theft ------------------------------------------------------------------------------------------------------------------


@BOTH
def test_a_claimed_client_id_throws_nobody_out_and_takes_over_no_session(broker: Shipped, scene: Scene, protocol: int) -> None:
    thief = broker.unit("car-2", "car-1", protocol, clean=False)
    order = scene.order("u/car-1")
    assert scene.read(scene.car, "car-1") == [order]
    assert not scene.car.ended.is_set(), "the thief threw the car out"
    assert scene.read(thief.subscribe(f"{ROOT}/u/car-2/down/+"), "car-2") == []
    again = broker.unit("car-2", "something else", protocol, clean=False)
    assert again.session_present, "the honest half: one's own session is found again under whatever id"
    assert thief.ended.wait(10), "the honest half: one's own older connection is the one that is thrown out"
    again.close()
    thief.close()
    broker.unit("car-2", clean=True).close()


@BOTH
def test_what_waits_for_a_unit_that_is_away_is_not_for_who_claims_its_id(broker: Shipped, scene: Scene, protocol: int) -> None:
    away = broker.unit("car-3", protocol=protocol, clean=False).subscribe(f"{ROOT}/u/car-3/down/+")
    away.close()
    order = scene.order("u/car-3")
    thief = broker.unit("car-2", "car-3", protocol, clean=False).subscribe(f"{ROOT}/u/car-2/down/+")
    assert scene.read(thief, "car-2") == []
    back = broker.unit("car-3", protocol=protocol, clean=False)
    assert back.next() == order
    back.close()
    thief.close()
    for name in ("car-2", "car-3"):
        broker.unit(name, clean=True).close()


def test_a_program_of_the_centre_never_has_the_session_of_a_unit_even_with_its_name(own_broker: Shipped) -> None:
    made("centre", own_broker.certificates.directory, "car-1")
    scene = Scene(own_broker)
    odd = own_broker.program("car-1", "car-1")
    assert odd.refused is None
    order = scene.order("u/car-1")
    assert scene.read(scene.car, "car-1") == [order]
    assert not scene.car.ended.is_set()
    assert odd.publish(f"{ROOT}/u/car-1/up/alarm", b"x") == "Not authorized"
    odd.close()
    scene.close()


# --- a last will on a foreign topic -----------------------------------------------------------------------------------------------------


@BOTH
def test_a_last_will_speaks_for_its_own_unit_only(broker: Shipped, scene: Scene, protocol: int) -> None:
    own = Came(f"{ROOT}/u/car-2/state/presence", b"gone")
    for will in (Came(f"{ROOT}/u/car-1/state/presence", b"gone", True), Came(f"{ROOT}/u/car-1/down/alarm.clear", b"x"), own):
        dying = broker.unit("car-2", protocol=protocol, will=will)
        if dying.refused is None:
            dying.die()
        else:
            assert will != own
            dying.close()
        broker.unit("car-2", protocol=protocol).close()  # once this one is in, the broker has done with the one before
    assert [came for came in scene.heard() if came.payload] == [own]
    assert scene.read(scene.car, "car-1") == []


# --- a huge packet ----------------------------------------------------------------------------------------------------------------------


@BOTH
def test_a_packet_above_the_limit_ends_the_connection_and_the_largest_record_passes(broker: Shipped, scene: Scene, protocol: int) -> None:
    topic = f"{ROOT}/u/car-2/up/media"
    sender = broker.unit("car-2", protocol=protocol)
    assert sender.publish(topic, b"x" * 1_048_576) == "Success"
    assert [len(came.payload) for came in scene.heard()] == [1_048_576]
    # paho does not look at the limit that the broker told it
    assert sender.publish(topic, b"y" * 1_114_200) == "", "it is thrown out, and nothing is acknowledged"
    assert scene.heard() == []
    sender.close()
    assert not scene.car.ended.is_set()
