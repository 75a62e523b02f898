"""What may be done to a visit by its version and hour, and which page a link leads to."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from handbell.actions.types import ActionResult, Choice, PageKind
from handbell.directory.types import AppointmentStatus, VisitFacts, VisitView
from handbell.links.types import Link, LinkKind, LinkState

Visit = VisitFacts | VisitView

OPEN: Final = frozenset({AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED})
CHOICES: Final = {
    LinkKind.CONFIRM: (Choice.CONFIRM,),
    LinkKind.RESCHEDULE: (Choice.RESCHEDULE,),
    LinkKind.CANCEL: (Choice.CANCEL,),
    LinkKind.PORTAL: (Choice.CONFIRM, Choice.RESCHEDULE, Choice.CANCEL),
    LinkKind.UNSUBSCRIBE: (),
}
"""What a link of each kind may be spent on: no link does more than it says."""
CAN_REFUSE: Final = frozenset(
    {PageKind.VISIT, PageKind.CONFIRMED, PageKind.MOVE_WISHED, PageKind.CANCELLED}
)
"""Pages that give way to the word that the link has been used; others say more."""


def is_open(visit: Visit, *, now: datetime) -> bool:
    """Whether the visit is planned and still to come."""
    return visit.status in OPEN and visit.starts_at > now


def may_move(visit: Visit, *, now: datetime) -> bool:
    """A missed visit may be asked for anew: that is what we write to the patient about."""
    return visit.status is AppointmentStatus.NO_SHOW or is_open(visit, now=now)


def decide_confirm(visit: Visit | None, *, version: int | None, now: datetime) -> ActionResult:
    """Say whether the visit that the patient was asked about can be confirmed."""
    if visit is None or visit.version != version or not is_open(visit, now=now):
        return ActionResult.STALE
    if visit.status is AppointmentStatus.CONFIRMED:
        return ActionResult.ALREADY_DONE
    return ActionResult.DONE


def decide_move(visit: Visit | None, *, version: int | None, now: datetime) -> ActionResult:
    """Say whether staff can be asked to move the visit that the patient was told of."""
    if visit is None or visit.version != version or not may_move(visit, now=now):
        return ActionResult.STALE
    return ActionResult.DONE


def decide_cancel(visit: Visit | None, *, version: int | None, now: datetime) -> ActionResult:
    """Say whether the visit that the patient was told of can be cancelled."""
    if visit is None or visit.version != version or not is_open(visit, now=now):
        return ActionResult.STALE
    return ActionResult.DONE


def may_spend(link: Link, choice: Choice, *, now: datetime) -> bool:
    """Whether the link is for this choice, still lives, and has not acted yet."""
    is_expired = link.state_at(now) is LinkState.EXPIRED
    return choice in CHOICES[link.kind] and not is_expired and not link.used_for


def is_refused(link: Link, choice: Choice, *, now: datetime) -> bool:
    """Whether the link would have to act a second time, on something else than before."""
    is_expired = link.state_at(now) is LinkState.EXPIRED
    is_act = choice in (Choice.CONFIRM, Choice.RESCHEDULE, Choice.CANCEL)
    return is_act and not is_expired and bool(link.used_for) and choice not in link.used_for


def must_tell(choice: Choice, result: ActionResult, kind: PageKind) -> bool:
    """Whether staff hear of an answer that came too late. A visit that was confirmed or cancelled
    after it began is nobody's business any more."""
    is_idle = choice is not Choice.RESCHEDULE and kind is PageKind.PASSED
    return result is ActionResult.STALE and not is_idle


def decide_page(link: Link, visit: Visit | None, *, now: datetime) -> PageKind:
    """Say what a care link shows now, whether or not something was just done with it."""
    if is_private(link):
        is_expired = link.state_at(now) is LinkState.EXPIRED
        return PageKind.EXPIRED if is_expired else PageKind.WHO
    return _page_of_visit(link, visit, now=now)


def is_private(link: Link) -> bool:
    """Whether behind the link stands a message that is about no visit: it may tell of results,
    drugs or money, and is for the patient's eyes only."""
    has_message = link.appointment_id is None and link.message_id is not None
    return has_message and link.kind is LinkKind.PORTAL


def _page_of_visit(link: Link, visit: Visit | None, *, now: datetime) -> PageKind:
    is_gone = visit is None or visit.status is AppointmentStatus.CANCELLED
    if is_gone and Choice.CANCEL in link.used_for:
        return PageKind.CANCELLED
    if visit is None or visit.status is AppointmentStatus.CANCELLED:
        return PageKind.GONE
    is_expired = link.state_at(now) is LinkState.EXPIRED
    if not is_open(visit, now=now) and (is_expired or not _asks_about_missed(link, visit)):
        return PageKind.PASSED
    if is_expired:
        return PageKind.EXPIRED
    if link.appointment_version != visit.version:
        return PageKind.CHANGED
    return _acted(link, visit)


def offers(
    kind: PageKind, link: Link, visits: Sequence[Visit], *, now: datetime
) -> tuple[Choice, ...]:
    """The buttons of a page; the first visit is the link's."""
    if kind is PageKind.WHO:
        return (Choice.READ,)
    if kind in (PageKind.EXPIRED, PageKind.CHANGED):
        return (Choice.FRESH,)
    if kind not in (PageKind.VISIT, PageKind.CONFIRMED, PageKind.USED) or not visits:
        return ()
    if link.used_for:
        return (Choice.FRESH,) if is_open(visits[0], now=now) else ()
    return tuple(one for one in CHOICES[link.kind] if _is_open_to(one, visits[0], now=now))


def _is_open_to(choice: Choice, visit: Visit, *, now: datetime) -> bool:
    if choice is Choice.CONFIRM:
        return decide_confirm(visit, version=visit.version, now=now) is ActionResult.DONE
    return choice is not Choice.CANCEL or is_open(visit, now=now)


def _asks_about_missed(link: Link, visit: Visit) -> bool:
    is_missed = visit.status is AppointmentStatus.NO_SHOW
    return (
        is_missed
        and link.appointment_version == visit.version
        and Choice.RESCHEDULE in CHOICES[link.kind]
    )


def _acted(link: Link, visit: Visit) -> PageKind:
    if Choice.RESCHEDULE in link.used_for:
        return PageKind.MOVE_WISHED
    is_confirmed = visit.status is AppointmentStatus.CONFIRMED
    if is_confirmed and Choice.CONFIRM in CHOICES[link.kind]:
        return PageKind.CONFIRMED
    return PageKind.VISIT
