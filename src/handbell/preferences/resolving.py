"""What holds for one patient and for many, each in one statement that is compiled once.

`resolve_one` is a transaction of its own past row-level security, so the statements name the
organisation in each table that they read.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final

from handbell.platform.db import OrganizationId, Tx
from handbell.platform.direct import Direct
from handbell.platform.vocabulary import Channel
from handbell.preferences.policy import fold_choices
from handbell.preferences.shapes import choices_from_json
from handbell.preferences.types import CHOICES, DEFAULTS, FIELDS, Level, Preferences

LEVELS: Final = tuple(Level)
_COUNT: Final = len(FIELDS)
_ORDER: Final = FIELDS.index("channel_order")
_DEFAULTS: Final = tuple(getattr(DEFAULTS, field) for field in FIELDS)


def _columns() -> Iterator[str]:
    """The patient, each field's value, the number of the level that each came from, and the
    choices of each level."""
    yield "p.id"
    for field in FIELDS:
        yield f"coalesce({', '.join(f'said_{level}.{field}' for level in LEVELS)})"
    numbers = (
        "CASE "
        + " ".join(
            f"WHEN said_{level}.{field} IS NOT NULL THEN {no}" for no, level in enumerate(LEVELS)
        )
        + f" ELSE {LEVELS.index(Level.GLOBAL)} END"
        for field in FIELDS
    )
    yield f"concat({', '.join(numbers)})"
    for level in LEVELS:
        yield f"said_{level}.{CHOICES}"


_ROWS: Final = {
    Level.PATIENT: "organization_id = $1 AND level_id = p.id",
    Level.PROVIDER: "organization_id = $1 AND level_id = p.provider_id",
    Level.ORGANIZATION: "organization_id = $1 AND level_id = $1",
    Level.GLOBAL: "organization_id IS NULL AND level_id = 0",
}


def _statement(limit: str, whose: str) -> str:
    joins = "\n".join(
        "LEFT JOIN LATERAL (SELECT * FROM preference_settings"  # noqa: S608 - our own names
        f" WHERE level = '{level}' AND {where} {limit}) said_{level} ON true"
        for level, where in _ROWS.items()
    )
    columns = ", ".join(_columns())
    return f"SELECT {columns}\nFROM patients p\n{joins}\nWHERE p.organization_id = $1 AND {whose}"


ONE: Final = _statement("LIMIT 1", "p.id = $2")
"""The limit changes nothing but the plan: each level is one look into the index."""
MANY: Final = _statement("", "p.id = ANY($2::bigint[])")


async def resolve_one(
    direct: Direct, organization_id: OrganizationId, patient_id: int
) -> Preferences | None:
    """What holds for the patient; None where the organisation has no such patient."""
    rows = await direct.rows(ONE, organization_id, patient_id)
    return to_preferences(tuple(rows[0])) if rows else None


async def resolve_many(
    tx: Tx, organization_id: OrganizationId, patient_ids: Iterable[int]
) -> dict[int, Preferences]:
    """What holds for each patient; unknown ids are left out."""
    found = await tx.exec_driver_sql(MANY, (organization_id, list(patient_ids)))
    return {row[0]: to_preferences(tuple(row)) for row in found}


def to_preferences(row: tuple[Any, ...]) -> Preferences:
    """Read a row of either statement."""
    values = list(row[1 : _COUNT + 1])
    for no, value in enumerate(values):
        if value is None:
            values[no] = _DEFAULTS[no]
    if row[_ORDER + 1] is not None:
        values[_ORDER] = _order(tuple(row[_ORDER + 1]))
    levels = _levels(row[_COUNT + 1])
    said = row[_COUNT + 2 :]
    settled = dict(zip(FIELDS, values, strict=True))
    if not any(said):
        return Preferences(**settled, levels=levels)
    choices, choice_levels = fold_choices(
        {level: choices_from_json(one) for level, one in zip(LEVELS, said, strict=True)}
    )
    return Preferences(**settled, choices=choices, levels=levels | choice_levels)


@cache
def _order(names: tuple[str, ...]) -> tuple[Channel, ...]:
    return tuple(Channel(name) for name in names)


@cache
def _levels(numbers: str) -> dict[str, Level]:
    """Which level each field came from; most patients share one of a few answers."""
    return {field: LEVELS[int(no)] for field, no in zip(FIELDS, numbers, strict=True)}
