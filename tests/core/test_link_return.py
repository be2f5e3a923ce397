"""The link away from its first endpoint, with new certificate files, and with an alarm: when it leaves a link, and when it never does."""

import math

import pytest

from agent.core.effects import Connect, Disconnect, Effect, Probe, WatchLink
from agent.core.endpoints import LASTED_S, RETURN_S, RETURN_S_MAX
from agent.core.events import Acked, AlarmChanged, CertificateSeen, FaultSeen, LinkDown, Probed, SpoolDown, Started, Subscribed
from agent.core.link import LEAVE_S_MAX, RETURN_CONNECT_S_MAX, RETURN_CONNECT_S_URGENT, WATCH_S, Link
from agent.core.part import Output
from tests.core.builders import ENDPOINT, ROOT, link_down, link_up, names, of, one
from tests.core.link_states import B, LinkBench, away, online, returning, started, state

PROBE_AT = 1.3 + RETURN_S


def effects(outs: list[Output]) -> list[str]:
    return [type(out).__name__ for out in of(Effect, outs) if type(out).__name__ != "Note"]


def busy() -> tuple[LinkBench, list[bool]]:
    """As `away`, with something under way for as long as the list says so."""
    quiet = [False]
    bench = LinkBench(Link((ENDPOINT, B), ROOT, (), names(), "0", lambda: quiet[0]))
    bench.feed(Started(0.0), SpoolDown(0.0, "none"), link_down(0.1))
    bench.until(1.2)
    bench.feed(link_up(1.3, 2), Subscribed(1.4, 2), Acked(1.4, 1))
    return bench, quiet


# --- the way back -------------------------------------------------------------------------------------------------------------------


def test_away_from_the_first_endpoint_it_is_probed_beside_the_link_again_and_again() -> None:
    bench = away()
    assert bench.until(PROBE_AT - 0.1) == []
    assert one(Probe, bench.until(PROBE_AT)) == Probe(ENDPOINT)
    assert bench.feed(Probed(PROBE_AT + 1, ENDPOINT, False, "nobody listens")) == []
    assert effects(bench.until(PROBE_AT + 2 * RETURN_S)) == ["Probe", "Probe"], "a lost answer too"
    assert state(bench) == "online"


def test_at_the_first_endpoint_nothing_is_probed() -> None:
    bench = online(subscribed=True)
    assert of(Probe, bench.until(10 * RETURN_S)) == []
    bench.feed(Probed(10 * RETURN_S, ENDPOINT, True))
    assert effects(bench.until(11 * RETURN_S)) == []


def test_when_it_answers_the_link_is_left_with_the_will_standing_and_the_first_is_tried_at_once() -> None:
    bench = away()
    bench.until(PROBE_AT)
    bench.feed(Probed(PROBE_AT + 1, ENDPOINT, True))
    outs = bench.until(PROBE_AT + 1)
    assert effects(outs) == ["Disconnect", "Connect"]
    assert one(Disconnect, outs) == Disconnect(2, will=True)
    assert one(Connect, outs).endpoint == ENDPOINT
    bench.feed(link_up(PROBE_AT + 2, 3), Subscribed(PROBE_AT + 2, 3), Acked(PROBE_AT + 2, 2))
    assert effects(bench.until(PROBE_AT + 100 * RETURN_S)) == [], "it is home"
    assert [out.active for out in of(FaultSeen, bench.all) if out.code == "link.down"] == [False, False], "and that is no fault"


@pytest.mark.parametrize("how", ["refused", "silent", "closed after it came up"])
def test_a_return_that_becomes_no_link_is_back_at_once_and_waits_twice_as_long(how: str) -> None:
    bench = returning()
    at = PROBE_AT + 1
    if how == "silent":
        outs = bench.until(at := at + RETURN_CONNECT_S_MAX)
    else:
        if how != "refused":
            bench.feed(link_up(at, 3))
        bench.feed(link_down(at := at + 0.1, 3))
        outs = bench.until(at)
    assert one(Connect, outs).endpoint == B
    bench.feed(link_up(at, 4), Subscribed(at, 4), Acked(at, 9))
    assert of(Probe, bench.until(at + 2 * RETURN_S - 1)) == []
    assert len(of(Probe, bench.until(at + 2 * RETURN_S + 1))) == 1


def test_the_wait_for_a_return_is_bounded() -> None:
    bench = returning()
    at, attempt = PROBE_AT + 1, 3
    waits = []
    for _ in range(5):
        bench.feed(link_down(at, attempt))
        bench.until(at)
        bench.feed(link_up(at, attempt + 1), Acked(at, 1), Subscribed(at, attempt + 1))
        probed_at = bench.part.deadline
        waits.append(probed_at - at)
        bench.until(probed_at)
        bench.feed(Probed(probed_at, ENDPOINT, True))
        bench.until(at := probed_at)
        attempt += 2
    assert waits == pytest.approx([2 * RETURN_S, RETURN_S_MAX, RETURN_S_MAX, RETURN_S_MAX, RETURN_S_MAX])


def test_being_away_is_measured_over_all_links() -> None:
    """In a bad network each link is short; the first endpoint is asked all the same."""
    bench = away()
    at, attempt = 2.0, 2
    while at < PROBE_AT + 200:
        if attempt % 2 == 0:
            bench.feed(link_down(at, attempt))
        made = of(Connect, bench.until(at + 1.1))
        for connect in made:
            attempt = connect.attempt
            if connect.endpoint == B:
                bench.feed(link_up(at + 1.1, attempt), Acked(at + 1.2, 1), Subscribed(at + 1.2, attempt))
            else:
                bench.feed(link_down(at + 1.1, attempt))
                at += 1
                for again in of(Connect, bench.until(at + 1.1)):
                    attempt = again.attempt
                    bench.feed(link_up(at + 1.1, attempt), Acked(at + 1.2, 1), Subscribed(at + 1.2, attempt))
        at += 30
        bench.until(at)
    assert of(Probe, bench.all)


def test_it_waits_for_a_quiet_moment_but_not_for_ever() -> None:
    bench, quiet = busy()
    bench.until(PROBE_AT)
    bench.feed(Probed(PROBE_AT + 1, ENDPOINT, True))
    assert effects(bench.until(PROBE_AT + 30)) == []
    quiet[0] = True
    assert effects(bench.until(PROBE_AT + 31.1)) == ["Disconnect", "Connect"]
    bench, _ = busy()
    bench.until(PROBE_AT)
    bench.feed(Probed(PROBE_AT + 1, ENDPOINT, True))
    assert effects(bench.until(PROBE_AT + 1 + LEAVE_S_MAX)) == ["Disconnect", "Connect"]


def test_a_link_that_ends_by_itself_before_it_is_left_is_not_left_again() -> None:
    bench, _ = busy()
    bench.until(PROBE_AT)
    bench.feed(Probed(PROBE_AT + 1, ENDPOINT, True), link_down(PROBE_AT + 2, 2))
    connect = one(Connect, bench.until(PROBE_AT + 3))
    bench.feed(link_up(PROBE_AT + 4, connect.attempt), Subscribed(PROBE_AT + 4, connect.attempt))
    assert of(Disconnect, bench.until(PROBE_AT + 200)) == []


# --- which endpoint after a loss ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lasted_s", "alarm", "then"), [(LASTED_S, False, ENDPOINT), (LASTED_S - 1, False, B), (LASTED_S, True, B)])
def test_after_a_tunnel_the_same_endpoint_is_tried_unless_somebody_needs_help(lasted_s: float, alarm: bool, then: str) -> None:
    bench = started(ENDPOINT, B)
    bench.feed(link_up(1.0), Acked(1.1, 1), Subscribed(1.1, 1))
    bench.until(0.9 + lasted_s)
    if alarm:
        bench.feed(AlarmChanged(0.9 + lasted_s, "a", "raised", "overt"))
    bench.feed(link_down(1.0 + lasted_s))
    assert one(Connect, bench.until(2.0 + lasted_s)).endpoint == then


def test_where_it_worked_it_is_tried_only_once_more_and_then_from_the_top() -> None:
    bench = away()
    bench.until(1.3 + LASTED_S)
    bench.feed(link_down(1.3 + LASTED_S, 2))
    tried: list[str] = []
    while len(tried) < 4:
        for connect in of(Connect, bench.until(at := bench.part.deadline)):
            tried.append(connect.endpoint)
            bench.feed(link_down(at, connect.attempt))
    assert tried == [B, ENDPOINT, B, ENDPOINT]


# --- an alarm -----------------------------------------------------------------------------------------------------------------------


def test_while_nobody_has_seen_an_alarm_the_line_is_watched_closely_over_new_links_too() -> None:
    bench = online(subscribed=True)
    assert bench.feed(AlarmChanged(2.0, "a", "raised", "overt")) == [WatchLink(1, WATCH_S)]
    assert bench.feed(AlarmChanged(3.0, "a", "repeated", "overt"), AlarmChanged(3.0, "b", "raised", "silent")) == []
    bench.feed(link_down(4.0))
    attempt = one(Connect, bench.until(6.0)).attempt
    assert one(WatchLink, bench.feed(link_up(6.1, attempt))) == WatchLink(attempt, WATCH_S)
    assert bench.feed(AlarmChanged(7.0, "a", "acknowledged", "overt")) == []
    assert bench.feed(AlarmChanged(7.0, "b", "acknowledged", "silent")) == [WatchLink(attempt, 0.0)]


def test_a_link_that_works_is_never_left_in_an_alarm() -> None:
    bench = away()
    bench.until(PROBE_AT)
    bench.feed(AlarmChanged(PROBE_AT + 0.5, "a", "raised", "overt"), Probed(PROBE_AT + 1, ENDPOINT, True))
    assert of(Disconnect, bench.until(PROBE_AT + 5 * LEAVE_S_MAX)) == []
    bench.feed(AlarmChanged(PROBE_AT + 5 * LEAVE_S_MAX, "a", "acknowledged", "overt"))
    assert effects(bench.until(PROBE_AT + 5 * LEAVE_S_MAX + 1)) == ["Disconnect", "Connect"]


def test_an_alarm_pressed_during_a_return_waits_two_seconds_and_no_longer() -> None:
    bench = returning()
    at = PROBE_AT + 0.5
    bench.feed(AlarmChanged(at, "a", "raised", "overt"))
    outs = bench.until(at + RETURN_CONNECT_S_URGENT)
    assert one(Connect, outs).endpoint == B


# --- new certificate files ----------------------------------------------------------------------------------------------------------


def test_new_files_are_taken_up_within_a_minute_and_old_news_are_none() -> None:
    bench = online(subscribed=True)
    bench.feed(CertificateSeen(2.0, 1))
    assert effects(bench.until(20.0)) == [], "what the link was made with"
    bench.feed(CertificateSeen(20.0, 1), CertificateSeen(21.0, 1, reason="no such file"))
    assert effects(bench.until(22.0)) == []
    bench.feed(CertificateSeen(22.0, 2))
    outs = bench.until(22.0)
    assert effects(outs) == ["Disconnect", "Connect"]
    assert one(LinkDown, outs).reason == "the certificate files have changed"
    bench.feed(link_up(22.5, 2), Subscribed(22.6, 2), CertificateSeen(23.0, 1))
    assert of(Disconnect, bench.until(100.0)) == [], "late"


def test_files_that_change_while_we_connect_are_taken_up_afterwards() -> None:
    bench = started()
    bench.feed(CertificateSeen(0.5, 1), CertificateSeen(0.6, 2))
    assert effects([*bench.feed(link_up(1.0), Acked(1.1, 1)), *bench.until(1.2)]) == ["Subscribe", "Disconnect", "Connect"]


def test_at_the_end_nothing_is_left_to_do() -> None:
    bench = away()
    part = bench.part
    assert isinstance(part, Link)
    bench.feed(Probed(2.0, ENDPOINT, True))
    part.end()
    assert part.deadline == math.inf
