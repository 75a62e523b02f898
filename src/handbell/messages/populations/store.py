"""The statements of one chunk: facts of many by joins, shapes out, answers in, messages made.

No rule stands here: what is compared are shapes and the numbers of answers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Select,
    Table,
    Text,
    TextClause,
    bindparam,
    case,
    cast,
    column,
    func,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

# allow public-files: the facts of a population, as `messages.facts` reads them of one patient
from handbell.directory.tables import ContactPointRow, PatientRow
from handbell.messages.facts import counted_with, organizations_own
from handbell.messages.legal_counts import LOOKS_BACK
from handbell.messages.populations.halves import HOURS, PERSON, PROFILE
from handbell.messages.populations.tables import (
    CANDIDATES,
    CHOSEN,
    CONTACTS,
    CREATE,
    IDS,
    LEDGERS,
    PEOPLE,
    PERSONAL,
    STANDINGS,
)
from handbell.messages.store import anchor_to_json
from handbell.messages.tables import MessageRow
from handbell.messages.types import NOT_ARRIVED, SendOrder

# allow public-files: an organisation's settings are facts of each of its patients
from handbell.organizations.tables import OrganizationSettingsRow
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.tables import Instant
from handbell.platform.vocabulary import CLASS_OF_PURPOSE, LANE_OF_CLASS, Channel
from handbell.preferences import service as preferences
from handbell.preferences.types import CHOICES, Level
from handbell.scheduling.caps.policy import COMMERCIAL, capped_countries

WEEK: Final = timedelta(hours=168)
WORK_MEMORY: Final = "64MB"
"""For each sort and hash of a chunk, so that none goes to disk."""
_ISO: Final = 'YYYY-MM-DD"T"HH24:MI:SS.US'

_PERSONAL: Final = text(
    """
    INSERT INTO population_personal (patient_id)
    SELECT relation.patient_id FROM patient_relations relation
    JOIN population_ids ids ON ids.patient_id = relation.patient_id
    UNION
    SELECT restriction.patient_id FROM contact_restrictions restriction
    JOIN population_ids ids ON ids.patient_id = restriction.patient_id
    WHERE restriction.lifted_at IS NULL
    UNION
    SELECT mine.patient_id FROM population_contacts mine
    JOIN contact_points other ON other.address_id = mine.address_id
    WHERE other.is_current AND other.patient_id <> mine.patient_id
    UNION
    SELECT mine.patient_id FROM population_contacts mine
    JOIN addresses address ON address.id = mine.address_id
    WHERE address.held_until IS NOT NULL
    """
)
"""Who has a relation, a restriction, an address that somebody else has too, or one that waits for
a person."""

_LEDGERS: Final = text(
    """
    INSERT INTO population_ledgers (address_id, ledger)
    SELECT address_id, json_agg(
        json_build_array(no, kind, message_class, method, text_version, place) ORDER BY no
    )::text
    FROM (
        SELECT entry.address_id, entry.no, entry.kind, entry.message_class, entry.method,
            entry.text_version,
            dense_rank() OVER (PARTITION BY entry.address_id ORDER BY entry.at) AS place
        FROM consent_entries entry
        JOIN (SELECT DISTINCT address_id FROM population_contacts) one
            ON one.address_id = entry.address_id
    ) entries
    GROUP BY address_id
    """
)

_COUNTED_BY_LAW: Final = text(
    """
    INSERT INTO population_personal (patient_id)
    SELECT mine.patient_id FROM population_contacts mine WHERE mine.country = ANY(:countries)
    UNION
    SELECT mine.patient_id FROM population_contacts mine
    JOIN messages sent
        ON sent.address_id = mine.address_id AND sent.patient_id <> mine.patient_id
        AND sent.sent_at >= :lately AND sent.message_class = 'marketing'
    WHERE mine.channel IN ('sms', 'whatsapp')
    """
).bindparams(bindparam("countries", type_=ARRAY(Text())), bindparam("lately", type_=Instant))
"""For whom the law of a place counts more than the patient's own sends: it counts by person in
some countries, and by number where somebody else was written to at it."""

_CANDIDATES: Final = text(
    """
    INSERT INTO population_candidates
        (patient_id, channel, contact_point_id, address_id, country, is_wrong_number,
         is_suppressed, shape)
    WITH reached AS (
        SELECT DISTINCT ON (patient_id, channel) id, patient_id, channel, address_id, country
        FROM population_contacts
        WHERE channel = ANY(CAST(:channels AS text[]))
        ORDER BY patient_id, channel, id DESC
    )
    SELECT people.patient_id, channel.name, reached.id, address.id, reached.country,
        address.wrong_number_at IS NOT NULL, suppression.id IS NOT NULL,
        md5(ROW(
            people.person_digest, channel.name, address.id IS NULL,
            address.wrong_number_at IS NULL, suppression.id IS NULL, reached.country,
            ledger.ledger_digest
        )::text)::uuid
    FROM population_people people
    CROSS JOIN unnest(CAST(:channels AS text[])) AS channel (name)
    LEFT JOIN reached
        ON reached.patient_id = people.patient_id AND reached.channel = channel.name
    LEFT JOIN addresses address ON address.id = reached.address_id
    LEFT JOIN suppressions suppression
        ON suppression.channel = channel.name
        AND suppression.address_hash = address.address_hash
        AND suppression.lifted_at IS NULL
    LEFT JOIN population_ledgers ledger ON ledger.address_id = address.id
    """
)

_VERDICT_SHAPES: Final = text(
    """
    SELECT one.shape, json_build_array(
        people.person::json,
        json_build_array(
            one.channel, one.address_id IS NOT NULL, one.is_wrong_number, one.is_suppressed,
            one.country
        ),
        ledger.ledger::json
    )::text
    FROM (SELECT DISTINCT ON (shape) * FROM population_candidates ORDER BY shape) one
    JOIN population_people people ON people.patient_id = one.patient_id
    LEFT JOIN population_ledgers ledger ON ledger.address_id = one.address_id
    """
)

_PROFILE_SHAPES: Final = text(
    "SELECT profile_digest, min(profile) FROM population_people GROUP BY profile_digest"
)

_TIMING_SHAPES: Final = text(
    """
    SELECT one.shape, json_build_array(
        people.hours::json -> 0, people.hours::json -> 1, people.hours::json -> 2, one.channel,
        one.country, one.binding
    )::text
    FROM (SELECT DISTINCT ON (shape) * FROM population_chosen ORDER BY shape) one
    JOIN population_people people ON people.patient_id = one.patient_id
    """
)

_STANDINGS: Final = text(
    """
    INSERT INTO population_standings (patient_id, wanted, standing, levels)
    SELECT people.patient_id, profile.wanted, standing.bits, profile.levels
    FROM population_people people
    JOIN population_profiles profile ON profile.shape = people.profile_digest
    JOIN (
        SELECT candidate.patient_id, bit_or(verdict.standing) AS bits
        FROM population_candidates candidate
        JOIN population_verdicts verdict ON verdict.shape = candidate.shape
        GROUP BY candidate.patient_id
    ) standing ON standing.patient_id = people.patient_id
    """
)

_CHOSEN: Final = text(
    """
    INSERT INTO population_chosen
        (patient_id, contact_point_id, address_id, channel, country, verdict, part_id, version_id,
         consent_entry_no, levels, sent_at, binding, shape)
    WITH wanted AS MATERIALIZED (
        SELECT standing.patient_id, standing.levels, choice.channel
        FROM population_standings standing
        JOIN population_choices choice
            ON choice.wanted = standing.wanted AND choice.standing = standing.standing
    )
    SELECT people.patient_id, candidate.contact_point_id, candidate.address_id,
        candidate.channel, candidate.country, verdict.verdict, verdict.part_id,
        verdict.version_id, verdict.consent_entry_no, wanted.levels, people.sent_at,
        sends.binding,
        md5(ROW(
            people.hours_digest, candidate.channel, candidate.country, sends.binding
        )::text)::uuid
    FROM population_people people
    JOIN wanted ON wanted.patient_id = people.patient_id
    JOIN population_candidates candidate
        ON candidate.patient_id = people.patient_id AND candidate.channel = wanted.channel
    JOIN population_verdicts verdict ON verdict.shape = candidate.shape
    CROSS JOIN LATERAL (
        SELECT CASE WHEN jsonb_array_length(people.sent_at) >= CAST(:fewest_that_bind AS integer)
            THEN people.sent_at END AS binding
    ) sends
    """
)
"""Sends of the last week are part of a shape only where they are so many that a cap binds."""

_MESSAGES: Final = text(
    """
    WITH made AS (
        INSERT INTO messages
            (organization_id, order_key, ordered_by, patient_id, contact_point_id, address_id,
             is_address_named, is_channel_named, is_template_named, channel, purpose,
             message_class, lane, template_version_id, anchor, lifecycle, reasons, scheduled_at,
             planned_at, eligibility_part_id, window_part_id, consent_entry_no,
             preference_levels, own_facts, answer, decided_at, created_at, changed_at)
        SELECT :organization_id, CAST(:order_key AS text) || ':' || chosen.patient_id,
            :ordered_by, chosen.patient_id, chosen.contact_point_id, chosen.address_id,
            false, :is_channel_named, :is_template_named, chosen.channel, :purpose,
            :message_class, :lane, chosen.version_id, :anchor, decision.lifecycle,
            decision.reasons, decision.scheduled_at, decision.planned_at, chosen.part_id,
            timing.part_id, chosen.consent_entry_no, chosen.levels,
            CASE WHEN chosen.sent_at IS NULL THEN timing.own_facts
                ELSE timing.own_facts || jsonb_build_object('sent_at', chosen.sent_at) END,
            decision.answer, :now, :now, :now
        FROM population_chosen chosen
        JOIN population_timings timing ON timing.shape = chosen.shape
        JOIN population_decisions decision
            ON decision.verdict = chosen.verdict AND decision.timing = timing.timing
        WHERE NOT decision.is_personal
        ORDER BY chosen.patient_id
        ON CONFLICT (organization_id, order_key) DO NOTHING
        RETURNING id, patient_id, lifecycle, scheduled_at
    )
    SELECT count(*) AS written,
        coalesce(bool_or(scheduled_at <= :now), false) AS is_due,
        coalesce(array_agg(id) FILTER (WHERE lifecycle = 'refused'), '{}') AS refused_ids,
        coalesce(array_agg(patient_id) FILTER (WHERE lifecycle = 'refused'), '{}')
            AS refused_patients
    FROM made
    """
).bindparams(bindparam("anchor", type_=JSONB), bindparam("now", type_=Instant))

_DECIDED: Final = text(
    """
    SELECT DISTINCT chosen.verdict, timing.timing
    FROM population_chosen chosen JOIN population_timings timing ON timing.shape = chosen.shape
    """
)

_ONE_BY_ONE: Final = text(
    """
    SELECT patient_id FROM population_personal
    JOIN patients ON patients.id = population_personal.patient_id
    WHERE patients.subject_key_id IS NOT NULL
    UNION ALL
    SELECT chosen.patient_id FROM population_chosen chosen
    JOIN population_timings timing ON timing.shape = chosen.shape
    JOIN population_decisions decision
        ON decision.verdict = chosen.verdict AND decision.timing = timing.timing
    WHERE decision.is_personal
    UNION ALL
    SELECT standing.patient_id FROM population_standings standing
    JOIN population_choices choice
        ON choice.wanted = standing.wanted AND choice.standing = standing.standing
    WHERE choice.channel IS NULL
    ORDER BY patient_id
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What the last statement made. `refused` are ids of message and patient."""

    count: int
    is_due: bool
    refused: Sequence[tuple[int, int]]


async def begin(tx: Tx, population: Select[Any], *, after: int, limit: int) -> int | None:
    """Make the chunk's tables and take its patients; give the last one, None where none is."""
    await tx.exec_driver_sql(f"SET LOCAL work_mem = '{WORK_MEMORY}'")
    for statement in CREATE:
        await tx.execute(statement)
    every = population.subquery("population")
    (patient_id,) = every.c
    page = (
        select(patient_id)
        .where(patient_id > literal(after, BigInteger()))
        .order_by(patient_id)
        .limit(limit)
    )
    await tx.execute(insert(IDS).from_select(["patient_id"], page.distinct()))
    await analyze(tx, IDS)
    last: int | None = await tx.scalar(select(func.max(IDS.c.patient_id)))
    return last


async def analyze(tx: Tx, table: Table) -> None:
    """Tell the planner how many rows a temporary table has; nobody else does. The first column
    is what it is joined by; looking at shapes, which are long, would take too long."""
    (first, *_) = table.c
    await tx.exec_driver_sql(f"ANALYZE {table.name} ({first.name})")


async def by_channel(
    tx: Tx, organization_id: OrganizationId, *, now: datetime
) -> dict[Channel, Mapping[str, Any]]:
    """What is the same for all patients, by channel."""
    bound = {"organization_id": organization_id, "now": now}
    rows = await tx.execute(_organizations_own(), bound)
    return {Channel(row["channel"]): dict(row) for row in rows.mappings()}


@cache
def _organizations_own() -> Select[Any]:
    organization_id = bindparam("organization_id", None, type_=BigInteger())
    names = literal([channel.value for channel in Channel], ARRAY(Text()))
    one = (
        func.unnest(names).table_valued(column("channel", Text())).render_derived(name="candidate")
    )
    return (
        select(one.c.channel, *organizations_own(one, organization_id))
        .select_from(one)
        .join(
            OrganizationSettingsRow,
            OrganizationSettingsRow.organization_id == organization_id,
        )
    )


async def gather(
    tx: Tx,
    organization_id: OrganizationId,
    order: SendOrder,
    channels: Sequence[Channel],
    *,
    owners: Iterable[int],
    now: datetime,
) -> int:
    """Facts of the chunk's patients and of their channels, as shapes; say how many patients have
    nothing personal to decide. `owners` are clinicians with texts of their own."""
    point = ContactPointRow
    await tx.execute(
        insert(CONTACTS).from_select(
            [one.name for one in CONTACTS.c],
            select(
                *(point.id, point.patient_id, point.channel, point.address_id, point.country),
                func.array_to_string(point.zones, " "),
                func.array_to_string(point.states, " "),
            )
            .join(IDS, IDS.c.patient_id == point.patient_id)
            .where(point.is_current),
        )
    )
    await analyze(tx, CONTACTS)
    await tx.execute(_PERSONAL)
    if CLASS_OF_PURPOSE[order.purpose] in COMMERCIAL:
        counted = {"countries": sorted(capped_countries()), "lately": now - LOOKS_BACK}
        await tx.execute(_COUNTED_BY_LAW, counted)
    await analyze(tx, PERSONAL)
    bound = {
        "organization_id": organization_id,
        "owners": list(owners),
        "since": now - WEEK,
        "counted": [one.value for one in counted_with(CLASS_OF_PURPOSE[order.purpose])],
    }
    made = await tx.execute(
        insert(PEOPLE).from_select([one.name for one in PEOPLE.c if not one.computed], _people()),
        bound,
    )
    await analyze(tx, PEOPLE)
    await tx.execute(_LEDGERS)
    await analyze(tx, LEDGERS)
    await tx.execute(_CANDIDATES, {"channels": [one.value for one in channels]})
    await analyze(tx, CANDIDATES)
    return made.rowcount


@cache
def _people() -> Select[Any]:
    """One row for each patient who is known and has nothing personal to decide."""
    resolved = preferences.resolution().subquery("resolved")
    choices = [resolved.c[f"{CHOICES}_{level}"] for level in Level]
    owners = bindparam("owners", None, type_=ARRAY(BigInteger()))
    columns: dict[str, Any] = {
        **{one.name: one for one in resolved.c},
        "is_deceased": PatientRow.deceased_at.is_not(None),
        "is_contact": PatientRow.is_contact,
        "patient_provider_id": case(
            (PatientRow.provider_id == func.any(owners), PatientRow.provider_id)
        ),
    }
    where, sent = _whereabouts(), _sent()
    clocks = func.json_build_array(*(columns[name] for name in HOURS))
    return (
        select(
            PatientRow.id,
            _shape(*(columns[name] for name in PERSON), *choices),
            _shape(clocks, where.c.zones, where.c.states),
            _shape(*(columns[name] for name in PROFILE), *choices),
            sent.c.sent_at,
        )
        .select_from(IDS)
        .join(PatientRow, PatientRow.id == IDS.c.patient_id)
        .join(resolved, resolved.c.patient_id == PatientRow.id)
        .outerjoin(where, where.c.patient_id == PatientRow.id)
        .outerjoin(sent, sent.c.patient_id == PatientRow.id)
        .where(
            PatientRow.subject_key_id.is_not(None),
            ~select(PERSONAL).where(PERSONAL.c.patient_id == PatientRow.id).exists(),
        )
    )


def _shape(*parts: Any) -> Any:
    return cast(func.json_build_array(*parts), Text)


def _whereabouts() -> Any:
    """Zones and states of all current contact points, oldest first."""

    def joined(values: Any) -> Any:
        return func.string_agg(values, aggregate_order_by(literal(" "), CONTACTS.c.id))

    return (
        select(
            CONTACTS.c.patient_id,
            joined(CONTACTS.c.zones).label("zones"),
            joined(CONTACTS.c.states).label("states"),
        )
        .group_by(CONTACTS.c.patient_id)
        .subquery("whereabouts")
    )


def _sent() -> Any:
    """Counted sends of the last week, as a receipt writes their instants."""
    at = func.to_char(func.timezone("UTC", MessageRow.sent_at), _ISO)
    iso = func.replace(at, ".000000", "").concat("+00:00")
    return (
        select(
            MessageRow.patient_id,
            func.jsonb_agg(aggregate_order_by(iso, MessageRow.sent_at)).label("sent_at"),
        )
        .join(IDS, IDS.c.patient_id == MessageRow.patient_id)
        .where(
            MessageRow.sent_at >= bindparam("since", None, type_=Instant),
            MessageRow.message_class == func.any(bindparam("counted", None, type_=ARRAY(Text()))),
            func.coalesce(MessageRow.progress, "").not_in(NOT_ARRIVED),
        )
        .group_by(MessageRow.patient_id)
        .subquery("sent")
    )


async def verdict_shapes(tx: Tx) -> dict[UUID, str]:
    """The different shapes of the first half, by their digests."""
    return await _shapes(tx, _VERDICT_SHAPES)


async def profile_shapes(tx: Tx) -> dict[UUID, str]:
    """The different shapes that an order of channels comes from, by their digests."""
    return await _shapes(tx, _PROFILE_SHAPES)


async def timing_shapes(tx: Tx) -> dict[UUID, str]:
    """The different shapes of the second half, by their digests."""
    return await _shapes(tx, _TIMING_SHAPES)


async def _shapes(tx: Tx, statement: TextClause) -> dict[UUID, str]:
    return {row[0]: row[1] for row in await tx.execute(statement)}


async def answer(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the answers about shapes into their table."""
    if rows:
        await tx.execute(insert(table), list(rows))
    await analyze(tx, table)


async def standings(tx: Tx) -> Sequence[tuple[int, int]]:
    """How the channels of the patients stand: the different cases."""
    await tx.execute(_STANDINGS)
    await analyze(tx, STANDINGS)
    different = select(STANDINGS.c.wanted, STANDINGS.c.standing).distinct()
    return [(row.wanted, row.standing) for row in await tx.execute(different)]


async def choose(tx: Tx, *, fewest_that_bind: int) -> None:
    """Keep of each patient the channel that was chosen."""
    await tx.execute(_CHOSEN, {"fewest_that_bind": fewest_that_bind})
    await analyze(tx, CHOSEN)


async def decided(tx: Tx) -> Sequence[tuple[int, int]]:
    """Which answers of the two halves meet."""
    return [(row.verdict, row.timing) for row in await tx.execute(_DECIDED)]


async def write(
    tx: Tx,
    organization_id: OrganizationId,
    order: SendOrder,
    *,
    order_key: str,
    now: datetime,
) -> Written:
    """Make the messages. What exists already stays as it is."""
    message_class = CLASS_OF_PURPOSE[order.purpose]
    bound = {
        "organization_id": organization_id,
        "order_key": order_key,
        "ordered_by": order.ordered_by,
        "is_channel_named": order.channel is not None or bool(order.not_on),
        "is_template_named": order.template_id is not None,
        "purpose": order.purpose.value,
        "message_class": message_class.value,
        "lane": LANE_OF_CLASS[message_class].value,
        "anchor": anchor_to_json(order.anchor),
        "now": now,
    }
    row = (await tx.execute(_MESSAGES, bound)).one()
    refused = list(zip(row.refused_ids, row.refused_patients, strict=True))
    return Written(count=row.written, is_due=row.is_due, refused=refused)


async def one_by_one(tx: Tx) -> list[int]:
    """Patients who have something personal to decide."""
    return list((await tx.execute(_ONE_BY_ONE)).scalars())


async def count_ids(tx: Tx) -> int:
    count: int = (await tx.execute(select(func.count()).select_from(IDS))).scalar_one()
    return count


async def count_known(tx: Tx) -> int:
    """How many of the chunk's patients the organisation has."""
    known = (
        select(func.count())
        .select_from(IDS)
        .join(PatientRow, PatientRow.id == IDS.c.patient_id)
        .where(PatientRow.subject_key_id.is_not(None))
    )
    count: int = (await tx.execute(known)).scalar_one()
    return count
