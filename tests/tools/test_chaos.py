"""The judge of the chaos run finds what is wrong, and blames nobody for what is not."""

from typing import Any

import pytest
from tools.chaos.judging import Findings, Kept, judge
from tools.chaos.people import Visit, make_people, visit_in, visits_in_order
from tools.chaos.plan import SIZES, Victim, victims

SIZE = SIZES["quick"]
PEOPLE = make_people(SIZE)
STAYING = [one for one in PEOPLE if not one.is_stopping]
SMS = next(one for one in STAYING if len(one.channels) == 1 and one.first[0] == "sms")
BOTH = next(one for one in STAYING if len(one.channels) == 2)
MAIL = next(one for one in PEOPLE if one.first[0] == "email")
STOPPING = next(one for one in PEOPLE if one.is_stopping)


def got(visit: Visit, channel: str | None = None, **more: Any) -> dict[str, Any]:
    first, _ = visit.person.first
    address = dict(visit.person.channels)[channel or first]
    body = f"Please confirm your visit on March 3 at 10:{visit.no:02d} AM."
    at = "2026-12-01T17:00:00+00:00"
    return {"at": at, "channel": channel or first, "to": address, "body": body} | more


def found(visits: list[Visit], received: list[dict[str, Any]], **more: Any) -> Findings:
    told: dict[str, Any] = {"stops": {}, "blocked": (), "kept": {}, "told": {}}
    return judge(visits, received, **(told | more))


@pytest.mark.requirement("R9.1")
def test_each_visit_once_is_good_whatever_else_a_patient_was_told() -> None:
    visits = [Visit(one, no) for one in (SMS, BOTH, MAIL) for no in range(4)]
    answer = got(visits[0], body="You are unsubscribed.")
    findings = found(visits, [*(got(one) for one in visits), answer])
    assert findings.is_good
    assert (findings.ordered, findings.received) == (12, 12)


def test_what_did_not_come_is_lost_and_what_came_again_is_twice() -> None:
    visits = [Visit(SMS, no) for no in range(3)]
    findings = found(visits, [got(visits[0]), got(visits[0]), got(visits[1])])
    assert findings.twice == [visits[0].name]
    assert findings.lost == [visits[2].name]
    assert not findings.is_good


def test_two_channels_are_counted_apart() -> None:
    visit = Visit(BOTH, 0)
    findings = found([visit], [got(visit, "sms"), got(visit, "email")])
    assert findings.on_two_channels == [visit.name]
    assert findings.twice == []
    assert findings.is_good


@pytest.mark.parametrize(
    ("visit", "told", "has_cause"),
    [
        (Visit(MAIL, 0), {}, True),
        (Visit(MAIL, 0), {"t": 1}, False),
        (Visit(SMS, 0), {}, False),
    ],
)
def test_unknown_may_stay_only_what_nobody_can_tell_of(
    visit: Visit, told: dict[str, int], *, has_cause: bool
) -> None:
    kept = {visit.name: Kept(lifecycle="unknown", channel=visit.person.first[0], tokens=("t",))}
    findings = found([visit], [], kept=kept, told=told)
    assert findings.lost == []
    assert bool(findings.unknown) is has_cause
    assert findings.is_good is has_cause


def test_after_an_acknowledged_stop_nothing_may_come_nor_be_tried() -> None:
    visits = [Visit(STOPPING, no) for no in range(2)]
    address = STOPPING.first[1]
    early, late = "2026-12-01T17:00:00+00:00", "2026-12-01T17:00:00.5+00:00"
    stops = {address: "2026-12-01T17:00:00.2+00:00"}
    assert found(visits, [got(visits[0], at=early)], stops=stops).is_good
    sent = found(visits, [got(visits[0], at=early), got(visits[1], at=late)], stops=stops)
    assert sent.stops_violated == [visits[1].name]
    tried = found(visits, [], stops=stops, blocked=[{"to": address, "at": late}])
    assert tried.stops_violated == ["blocked"]
    assert found(visits, [], blocked=[{"to": address, "at": late}]).is_good


def test_what_nobody_ordered_is_wrong_too() -> None:
    findings = found([Visit(SMS, 0)], [got(Visit(SMS, 0)), got(Visit(SMS, 1))])
    assert findings.unordered == 1
    assert not findings.is_good


def test_a_run_kills_each_victim_as_often_and_writes_to_each_address_once() -> None:
    order = victims(SIZES["full"], seed=1)
    assert len(order) == 140
    assert {victim: order.count(victim) for victim in Victim} == dict.fromkeys(Victim, 20)
    assert SIZES["full"].messages >= 20_000
    addresses = [a for one in make_people(SIZES["full"]) for _, a in one.channels]
    assert len(set(addresses)) == len(addresses)
    visits = visits_in_order(PEOPLE, SIZE, seed=1)
    assert len({one.name for one in visits}) == SIZE.messages
    assert {visit_in(got(one)["body"]) for one in visits} == {0, 1, 2, 3}
