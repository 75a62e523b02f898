"""Gathers what the gate looks at: one statement per batch, one snapshot.

A *candidate* is one message on one channel: at admission each order on each channel that it may
take, at sending the messages of a batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Date,
    FromClause,
    Integer,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    case,
    column,
    false,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by, asyncpg
from sqlalchemy.orm import aliased

from handbell.channels.tables import ProviderAccountRow, SenderLineRow
from handbell.channels.types import Baa
from handbell.consent import service as consent
from handbell.consent.tables import ConsentEntryRow, SuppressionRow
from handbell.consent.types import ClassState
from handbell.directory.tables import (
    AddressRow,
    AppointmentRow,
    ContactPointRow,
    LocationRow,
    PatientRelationRow,
    PatientRow,
)
from handbell.messages.legal_counts import NOTHING, Counted, legal_counts
from handbell.messages.recipients import Relation, who_is_told
from handbell.messages.tables import MessageRow
from handbell.messages.types import (
    NOT_ARRIVED,
    CapFacts,
    ConsentStatus,
    EligibilityFacts,
    SendFacts,
    TemplateFacts,
    Told,
    VisitRef,
)
from handbell.organizations.tables import OrganizationSettingsRow
from handbell.platform.db import OrganizationId, Tx, planned_once
from handbell.platform.tables import Instant
from handbell.platform.vocabulary import (
    ANSWERED_AFTER_STOP,
    CLASS_OF_PURPOSE,
    Channel,
    MessageClass,
    Purpose,
)
from handbell.preferences import service as preferences
from handbell.preferences.tables import ContactRestrictionRow, PreferenceSettingsRow
from handbell.preferences.types import Level, Preferences
from handbell.scheduling.blackouts import service as blackouts
from handbell.scheduling.caps.policy import COMMERCIAL, PHONE, capped_countries
from handbell.scheduling.types import WindowFacts
from handbell.templates.service import CeilingFacts, ceiling
from handbell.templates.types import DisclosureLevel

CAPPED: Final = (MessageClass.CARE, MessageClass.BILLING_ADMIN, MessageClass.RESEARCH)
"""Classes that are counted together (regulation.md, "Caps"); marketing is counted alone."""
MARKETING_PER_DAY: Final = 1
MARKETING_PER_WEEK: Final = 3
FEW: Final = 64
"""Up to so many candidates, planning the statement costs more than running it."""
_COLUMNS: Final[dict[str, Any]] = {
    "no": Integer(),
    "patient_id": BigInteger(),
    "channel": Text(),
    "address_id": BigInteger(),
    "appointment_id": BigInteger(),
    "told_id": BigInteger(),
}
_WEEK: Final = timedelta(hours=168)
_FURTHEST_EAST: Final = timedelta(hours=14)
_VISIT: Final = frozenset({Purpose.APPT_CONFIRM, Purpose.APPT_REMINDER})
_STANDING: Final = frozenset({"booked", "confirmed"})


def counted_with(message_class: MessageClass) -> Sequence[MessageClass]:
    """The classes that count in the patient's own caps together with this one."""
    marketing = MessageClass.MARKETING
    return (marketing,) if message_class is marketing else CAPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One order on one channel; `no` is the caller's own number of it. `others` are the further
    visits that it tells of. `told_id`: who is told in the patient's place; `gather` finds out,
    nobody else says so. `message_class` says whether the law of a place may count it."""

    no: int
    patient_id: int
    channel: Channel
    address_id: int | None
    appointment_id: int | None
    others: tuple[VisitRef, ...] = ()
    told_id: int | None = None
    message_class: MessageClass = MessageClass.CARE


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """What the further visits of a message add: whether all stand as they are told of, and
    whether any is confidential."""

    stand: bool = True
    is_confidential: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Disclosure levels of the text that would be used, and whether Meta has approved it."""

    level: int
    sibling_level: int | None
    is_approved: bool = True
    is_sibling_approved: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of an order the facts depend on."""

    purpose: Purpose
    serves_at: datetime | None
    answers_at: datetime | None
    template: Levels | None

    @property
    def message_class(self) -> MessageClass:
        return CLASS_OF_PURPOSE[self.purpose]


class Gathered:
    """What the database says of one candidate, before it is asked about an order."""

    def __init__(
        self,
        row: Row[Any],
        others: Others,
        *,
        about: "Gathered | None" = None,
        told: Told = Told.SELF,
    ) -> None:
        self.row = row
        self.others = others
        self.counted = NOTHING
        self.is_confidential: bool = row.is_confidential or others.is_confidential
        self.told = told
        self.channel = Channel(row.channel)
        self.preferences: Preferences = preferences.to_preferences(row)
        self.wishes: Preferences = about.preferences if about else self.preferences
        """What the patient wants to hear of; hours, language and channels are the reader's."""
        self.states = consent.fold_told(row.ledger or ())
        self.knows_risk = consent.risk_told(row.ledger or ())
        self.blackouts = blackouts.read_told(row.blackouts)

    @property
    def address_id(self) -> int | None:
        address_id: int | None = self.row.found_address_id
        return address_id

    @property
    def is_erased(self) -> bool:
        """Whether the patient is gone; a message that is on its way finds no address."""
        return bool(self.row.is_erased)

    @property
    def contact_point_id(self) -> int | None:
        contact_point_id: int | None = self.row.contact_point_id
        return contact_point_id

    @property
    def provider_id(self) -> int | None:
        """Whose texts the patient gets: the clinician of the visit, else the primary one."""
        row = self.row
        found: int | None = row.visit_provider_id or row.patient_provider_id
        return found

    @property
    def organization_language(self) -> str | None:
        """The language that the organisation writes in where the patient's is not written."""
        language: str | None = self.row.organization_language
        return language

    def order_for(self, purpose: Purpose) -> Sequence[Channel]:
        """The channels to try: those that the patient chose, else as who is told likes it."""
        return self.wishes.choice_of(purpose).channels or self.preferences.channel_order

    def who_is_told(self, *, now: datetime) -> Relation | None:
        """Who is told in the patient's place, by what stands of their relations."""
        relations = [_to_relation(one) for one in self.row.relations or ()]
        if not relations:
            return None
        days = [now.astimezone(ZoneInfo(zone)).date() for zone in self._zones(MessageClass.CARE)]
        return who_is_told(relations, today=max(days), is_confidential=self.is_confidential)

    def decisive_entry(self, message_class: MessageClass) -> ClassState | None:
        """What the ledger says of the class, with the number of the entry that decided it."""
        return self.states.get(message_class)

    def facts(self, asked: Asked, *, also_sent: Counted = NOTHING) -> SendFacts:
        """The gate's facts; `also_sent` are sends decided in this very batch."""
        return SendFacts(
            eligibility=self._eligibility(asked),
            window=self.window(asked),
            caps=self.caps(asked.message_class, also_sent),
            serves_at=asked.serves_at,
            pause_until=self.wishes.pause_until,
            hold_until=self.row.held_until,
        )

    def _eligibility(self, asked: Asked) -> EligibilityFacts:
        row, channel = self.row, self.channel
        return EligibilityFacts(
            message_class=asked.message_class,
            channel=channel,
            address_id=self.address_id,
            is_deceased=row.is_deceased,
            is_wrong_number=bool(row.is_wrong_number),
            is_restricted=row.is_restricted,
            is_opted_out=row.is_suppressed,
            is_optout_confirmation=asked.purpose in ANSWERED_AFTER_STOP,
            is_allowed=self.preferences.allows(channel),
            has_marketing_opt_in=self.preferences.wants_marketing(channel),
            is_us_number=row.contact_country == "US",
            is_whatsapp_us_enabled=row.whatsapp_us_enabled,
            consent=_status(self.states.get(asked.message_class)),
            template=self._template(asked.template),
            is_superseded=self._is_superseded(asked),
            has_sender=row.baa is not None,
            is_category_off=not self.wishes.choice_of(asked.purpose).allows(channel),
            told=self.told,
            is_confidential=self.is_confidential,
            is_relatives_address=row.is_relatives_address,
            is_patient=not row.is_contact,
            tells_of_mistake=asked.purpose is Purpose.REPLY_NOTED,
        )

    def _template(self, levels: Levels | None) -> TemplateFacts | None:
        if levels is None:
            return None
        highest = ceiling(
            CeilingFacts(
                channel=self.channel,
                risk_acknowledged=self.knows_risk,
                informs_at_intake=self.row.informs_at_intake,
                baa=Baa.NONE if self._tells_nothing else Baa(self.row.baa),
                sms_ceiling=DisclosureLevel(self.row.sms_ceiling),
            )
        )
        if self.told is Told.CAREGIVER:
            highest = min(highest, DisclosureLevel.L1)
        return TemplateFacts(
            level=levels.level,
            sibling_level=levels.sibling_level,
            ceiling=int(highest),
            is_approved=levels.is_approved,
            is_sibling_approved=levels.is_sibling_approved,
        )

    @property
    def _tells_nothing(self) -> bool:
        """On a number of several patients no name may stand, unless whoever reads it is the
        guardian of them all (HP-23)."""
        return bool(self.row.baa is None or self.row.strangers_on_address)

    def _is_superseded(self, asked: Asked) -> bool:
        row = self.row
        if row.visit_status is None:
            return False
        if asked.purpose is Purpose.NO_SHOW:
            return bool(row.visit_status != "no_show")
        if asked.purpose not in _VISIT:
            return False
        is_moved = asked.serves_at is not None and row.visit_starts_at != asked.serves_at
        return is_moved or row.visit_status not in _STANDING or not self.others.stand

    def window(self, asked: Asked) -> WindowFacts:
        """What opens and closes hours, and chooses one."""
        known = self.preferences
        window = WindowFacts(
            message_class=asked.message_class,
            channel=self.channel,
            zones=self._zones(asked.message_class),
            states=tuple(sorted(set(self.row.states or ()))),
            country=self.row.contact_country,
            quiet_start=known.quiet_start,
            quiet_end=known.quiet_end,
            work_start=known.work_start,
            work_end=known.work_end,
            best_hour=known.best_hour,
            answers_at=asked.answers_at,
        )
        return blackouts.with_blackouts(window, self.blackouts)

    def _zones(self, message_class: MessageClass) -> tuple[str, ...]:
        """A stated zone decides alone for care and is one candidate for marketing; nothing
        known means the organisation's zone for care, every zone for marketing."""
        inferred = tuple(dict.fromkeys(self.row.zones or ()))
        is_stated = self.preferences.levels["timezone"] is Level.PATIENT
        stated = (self.preferences.timezone,) if is_stated else ()
        if message_class is MessageClass.MARKETING:
            return tuple(dict.fromkeys((*stated, *inferred)))
        return stated or inferred or (self.preferences.timezone,)

    def caps(self, message_class: MessageClass, also_sent: Counted = NOTHING) -> CapFacts:
        """How many counted sends are allowed, and which there were."""
        is_marketing = message_class is MessageClass.MARKETING
        sent = self.row.marketing_sent_at if is_marketing else self.row.counted_sent_at
        return CapFacts(
            per_day=MARKETING_PER_DAY if is_marketing else self.row.care_per_day,
            per_week=MARKETING_PER_WEEK if is_marketing else None,
            sent_at=sorted([*(sent or ()), *also_sent.own]),
            others_sent_at=self._to_number(also_sent) if is_marketing else (),
            commercial_sent_at=self._commercial(also_sent) if message_class in COMMERCIAL else (),
        )

    def _to_number(self, also_sent: Counted) -> Sequence[datetime]:
        if self.channel not in PHONE:
            return ()
        return sorted([*self.counted.to_number, *also_sent.to_number])

    def _commercial(self, also_sent: Counted) -> Sequence[datetime]:
        if self.row.contact_country not in capped_countries():
            return ()
        return sorted([*self.counted.commercial, *also_sent.commercial])


def _to_relation(told: Mapping[str, Any]) -> Relation:
    adult_on, until_on = told["adult_on"], told["until_on"]
    return Relation(
        related_id=told["related_id"],
        kind=Told(told["kind"]),
        adult_on=date.fromisoformat(adult_on) if adult_on else None,
        until_on=date.fromisoformat(until_on) if until_on else None,
    )


def _status(state: ClassState | None) -> ConsentStatus:
    if state is None or not state.granted:
        return ConsentStatus.NONE
    return ConsentStatus.EXPRESS_WRITTEN if state.is_written else ConsentStatus.EXPRESS


async def gather(
    tx: Tx, organization_id: OrganizationId, candidates: Sequence[Candidate], *, now: datetime
) -> dict[int, Gathered]:
    """What is known of each candidate, by its number. Unknown patients are left out.

    Where somebody else is told, what concerns the reader is asked for again, of them. A reply
    goes to the address that wrote.
    """
    others = await _others(tx, candidates)
    found = {
        row.no: Gathered(row, others[row.no])
        for row in await _rows(tx, organization_id, candidates, now)
    }
    moved: dict[int, Relation] = {}
    for one in candidates:
        if one.no in found and one.address_id is None:
            relation = found[one.no].who_is_told(now=now)
            if relation is not None:
                moved[one.no] = relation
    if not moved:
        return await _with_counts(tx, found, candidates, now=now)
    again = [
        replace(one, told_id=moved[one.no].related_id) for one in candidates if one.no in moved
    ]
    for row in await _rows(tx, organization_id, again, now):
        about = found[row.no]
        found[row.no] = Gathered(row, about.others, about=about, told=moved[row.no].kind)
    return await _with_counts(tx, found, candidates, now=now)


async def _with_counts(
    tx: Tx, found: dict[int, Gathered], candidates: Sequence[Candidate], *, now: datetime
) -> dict[int, Gathered]:
    """The same with what the law of a place counts; for care nothing is asked."""
    wanted = {
        one.no: (one.patient_id, found[one.no].address_id)
        for one in candidates
        if one.no in found and one.message_class in COMMERCIAL
    }
    for no, counted in (await legal_counts(tx, wanted, now=now)).items():
        found[no].counted = counted
    return found


async def _others(tx: Tx, candidates: Sequence[Candidate]) -> dict[int, Others]:
    """What is true now of the further visits, by the number of the candidate. Nearly all have
    none, and then nothing is asked."""
    wanted = {ref.appointment_id for one in candidates for ref in one.others}
    if not wanted:
        return dict.fromkeys((one.no for one in candidates), Others())
    statement = (
        select(
            AppointmentRow.id,
            AppointmentRow.status,
            AppointmentRow.starts_at,
            _is_confidential().label("is_confidential"),
        )
        .outerjoin(LocationRow, LocationRow.id == AppointmentRow.location_id)
        .where(AppointmentRow.id.in_(wanted))
    )
    now = {row.id: row for row in await tx.execute(statement)}
    return {one.no: _joined(one.others, now) for one in candidates}


def _joined(others: Sequence[VisitRef], now: Mapping[int, Row[Any]]) -> Others:
    return Others(
        stand=all(
            one.appointment_id in now
            and now[one.appointment_id].status in _STANDING
            and now[one.appointment_id].starts_at == one.starts_at
            for one in others
        ),
        is_confidential=any(
            now[one.appointment_id].is_confidential for one in others if one.appointment_id in now
        ),
    )


def _is_confidential() -> Any:
    return func.coalesce(or_(LocationRow.sensitive, AppointmentRow.confidential), false())


async def _rows(
    tx: Tx, organization_id: OrganizationId, candidates: Sequence[Candidate], now: datetime
) -> Sequence[Row[Any]]:
    sql, constants, places = _compiled()
    asked: dict[str, Any] = {name: [getattr(one, name) for one in candidates] for name in _COLUMNS}
    bound = (
        constants
        | asked
        | {
            "organization_id": organization_id,
            "since": now - _WEEK,
            "now": now,
            "day": (now + _FURTHEST_EAST).date(),
        }
    )
    values = tuple(bound[place] for place in places)
    if len(candidates) > FEW:
        return (await tx.exec_driver_sql(sql, values)).all()
    async with planned_once(tx):
        return (await tx.exec_driver_sql(sql, values)).all()


@cache
def _compiled() -> tuple[str, dict[str, Any], Sequence[str]]:
    """The statement as the driver takes it: its text, its constants, and the names of its
    parameters in order. Compiling it for every batch would cost more than running it."""
    arrays = [bindparam(name, None, type_=ARRAY(kind)) for name, kind in _COLUMNS.items()]
    named: list[Any] = [column(name, kind) for name, kind in _COLUMNS.items()]
    source = func.unnest(*arrays).table_valued(*named).render_derived(name="candidate")
    compiled = _statement(source).compile(
        dialect=asyncpg.dialect(),  # type: ignore[no-untyped-call]
        compile_kwargs={"render_postcompile": True},
    )
    return compiled.string, dict(compiled.params), compiled.positiontup or ()


def _statement(one: FromClause) -> Select[Any]:
    organization_id = bindparam("organization_id", None, type_=BigInteger())
    contact = _contact(one)
    resolved = preferences.resolution().subquery("resolved")
    address_id = func.coalesce(one.c.address_id, contact.c.address_id)
    suppressed = and_(
        SuppressionRow.channel == one.c.channel,
        SuppressionRow.address_hash == AddressRow.address_hash,
        SuppressionRow.lifted_at.is_(None),
    )
    settings = OrganizationSettingsRow
    return (
        select(
            one.c.no,
            one.c.channel,
            *(col for col in resolved.c if col.name != "patient_id"),
            (PatientRow.deceased_at.is_not(None)).label("is_deceased"),
            (PatientRow.subject_key_id.is_(None)).label("is_erased"),
            AddressRow.id.label("found_address_id"),
            (AddressRow.wrong_number_at.is_not(None)).label("is_wrong_number"),
            AddressRow.held_until,
            select(SuppressionRow.id).where(suppressed).exists().label("is_suppressed"),
            _restriction_on(one, AddressRow.id).exists().label("is_restricted"),
            contact.c.id.label("contact_point_id"),
            contact.c.country.label("contact_country"),
            _gathered_of(one, ContactPointRow.zones).label("zones"),
            _gathered_of(one, ContactPointRow.states).label("states"),
            _strangers_on(one, AddressRow.id).exists().label("strangers_on_address"),
            _relations_of(one).label("relations"),
            _at_relatives(one, AddressRow.id).exists().label("is_relatives_address"),
            _is_confidential().label("is_confidential"),
            PatientRow.is_contact,
            _ledger_of(AddressRow.id).label("ledger"),
            _sent_to(one, CAPPED).label("counted_sent_at"),
            _sent_to(one, (MessageClass.MARKETING,)).label("marketing_sent_at"),
            *organizations_own(one, organization_id),
            AppointmentRow.provider_id.label("visit_provider_id"),
            PatientRow.provider_id.label("patient_provider_id"),
            AppointmentRow.status.label("visit_status"),
            AppointmentRow.starts_at.label("visit_starts_at"),
        )
        .select_from(one)
        .join(PatientRow, PatientRow.id == one.c.patient_id)
        .join(resolved, resolved.c.patient_id == _reader(one))
        .join(settings, settings.organization_id == organization_id)
        .outerjoin(contact, true())
        .outerjoin(AddressRow, AddressRow.id == address_id)
        .outerjoin(AppointmentRow, AppointmentRow.id == one.c.appointment_id)
        .outerjoin(LocationRow, LocationRow.id == AppointmentRow.location_id)
    )


def organizations_own(one: FromClause, organization_id: Any) -> Sequence[Any]:
    """What is the same for all patients of the organisation on a channel, as columns beside its
    settings."""
    settings = OrganizationSettingsRow
    return (
        _baa_of(one, organization_id).label("baa"),
        settings.whatsapp_us_enabled,
        settings.informs_at_intake,
        settings.sms_ceiling,
        settings.care_per_day,
        _blackouts(organization_id),
        _language_of(organization_id).label("organization_language"),
    )


def _reader(one: FromClause) -> Any:
    return func.coalesce(one.c.told_id, one.c.patient_id)


def _restriction_on(one: FromClause, address_id: Any) -> Select[Any]:
    """What forbids the channel, or the address on it (45 CFR 164.522(b))."""
    restriction = ContactRestrictionRow
    return select(restriction.id).where(
        restriction.patient_id.in_((one.c.patient_id, one.c.told_id)),
        restriction.channel == one.c.channel,
        restriction.lifted_at.is_(None),
        or_(restriction.address_id.is_(None), restriction.address_id == address_id),
    )


def _blackouts(organization_id: Any) -> Any:
    now = bindparam("now", None, type_=Instant)
    return blackouts.told(organization_id, now=now).label("blackouts")


def _contact(one: FromClause) -> Any:
    """The patient's contact point on the channel: the one asked for, else the newest current
    one. A reply goes to the address that wrote, even if it is no longer a current one."""
    asked = one.c.address_id
    return (
        select(ContactPointRow.id, ContactPointRow.address_id, ContactPointRow.country)
        .where(
            ContactPointRow.patient_id == _reader(one),
            ContactPointRow.channel == one.c.channel,
            case(
                (asked.is_not(None), ContactPointRow.address_id == asked),
                else_=ContactPointRow.is_current,
            ),
        )
        .order_by(ContactPointRow.id.desc())
        .limit(1)
        .lateral("contact")
    )


def _gathered_of(one: FromClause, listed: Any) -> Any:
    """All values of a list column over the patient's current contact points, oldest first."""
    each = func.unnest(listed).table_valued("value").render_derived(name="each")
    return (
        select(func.array_agg(aggregate_order_by(each.c.value, ContactPointRow.id)))
        .select_from(ContactPointRow)
        .join(each, true())
        .where(ContactPointRow.patient_id == _reader(one), ContactPointRow.is_current)
        .scalar_subquery()
    )


def _strangers_on(one: FromClause, address_id: Any) -> Select[Any]:
    """Other patients who are reached at the address, but for who is told, and for those who
    have a guardian in common with the patient. A guardian whose time may be over somewhere on
    earth does not count."""
    point, hers, his = ContactPointRow, aliased(PatientRelationRow), aliased(PatientRelationRow)
    other = aliased(PatientRow)
    day = bindparam("day", None, type_=Date())
    standing = [
        condition
        for relation in (hers, his)
        for condition in (
            relation.kind == Told.GUARDIAN,
            relation.ended_at.is_(None),
            func.least(relation.adult_on, relation.until_on) > day,
        )
    ]
    in_common = (
        select(hers.id)
        .join(his, his.related_id == hers.related_id)
        .where(hers.patient_id == one.c.patient_id, his.patient_id == point.patient_id, *standing)
    )
    return (
        select(point.id)
        .join(other, other.id == point.patient_id)
        .where(
            point.address_id == address_id,
            point.is_current,
            point.patient_id.not_in((one.c.patient_id, _reader(one))),
            other.is_contact.is_(False),
            ~in_common.exists(),
        )
    )


def _relations_of(one: FromClause) -> Any:
    """Who may be told in the patient's place, oldest first, as JSON; none for nearly all."""
    relation, related = PatientRelationRow, aliased(PatientRow)
    told = func.jsonb_build_object(
        *("related_id", relation.related_id, "kind", relation.kind),
        *("adult_on", relation.adult_on, "until_on", relation.until_on),
    )
    return (
        select(func.jsonb_agg(aggregate_order_by(told, relation.id)))
        .join(related, related.id == relation.related_id)
        .where(
            relation.patient_id == one.c.patient_id,
            relation.ended_at.is_(None),
            related.deceased_at.is_(None),
            related.erased_at.is_(None),
        )
        .scalar_subquery()
    )


def _at_relatives(one: FromClause, address_id: Any) -> Select[Any]:
    """Whether somebody who is, or ever was, told in the patient's place has the address too."""
    point, relation = aliased(ContactPointRow), aliased(PatientRelationRow)
    return (
        select(point.id)
        .join(relation, relation.related_id == point.patient_id)
        .where(
            relation.patient_id == one.c.patient_id,
            point.address_id == address_id,
            point.is_current,
        )
    )


def _ledger_of(address_id: Any) -> Any:
    entry = ConsentEntryRow
    told = func.jsonb_build_object(
        *("no", entry.no, "kind", entry.kind, "message_class", entry.message_class),
        *("method", entry.method, "text_version", entry.text_version, "at", entry.at),
    )
    return select(func.jsonb_agg(told)).where(entry.address_id == address_id).scalar_subquery()


def _language_of(organization_id: Any) -> Any:
    """The organisation's own default language; NULL where it has none."""
    row = PreferenceSettingsRow
    return (
        select(row.language)
        .where(
            row.organization_id == organization_id,
            row.level == Level.ORGANIZATION,
            row.level_id == organization_id,
        )
        .scalar_subquery()
    )


def _sent_to(one: FromClause, classes: Sequence[MessageClass]) -> Any:
    """When counted messages left for the patient in the last 168 hours, over all channels. One
    that the provider could not deliver has told the patient nothing, and does not count."""
    return (
        select(func.array_agg(MessageRow.sent_at))
        .where(
            MessageRow.patient_id == one.c.patient_id,
            MessageRow.sent_at >= bindparam("since", None, type_=Instant),
            MessageRow.message_class.in_(classes),
            func.coalesce(MessageRow.progress, "").not_in(NOT_ARRIVED),
        )
        .scalar_subquery()
    )


def _baa_of(one: FromClause, organization_id: Any) -> Any:
    """How the organisation's account for the channel is covered; NULL where it has no line.
    Of several accounts the least covered counts, since any of them may send."""
    return (
        select(func.min(ProviderAccountRow.baa))
        .join(SenderLineRow, SenderLineRow.account_id == ProviderAccountRow.id)
        .where(
            SenderLineRow.organization_id == organization_id,
            SenderLineRow.channel == one.c.channel,
        )
        .scalar_subquery()
    )
