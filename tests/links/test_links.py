"""Tokens: random, found by their keyed hash alone, and no longer alive than allowed."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from sqlalchemy import text

from handbell.directory import service as directory
from handbell.directory.types import Origin
from handbell.links import service as links
from handbell.links.types import Link, LinkKind, LinkOrder, LinkState
from handbell.patients.service import PatientService
from handbell.patients.types import Registration
from handbell.patients.whereabouts import InferredWhereabouts
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.platform.vocabulary import Channel

NOW = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
LIVES: Final = {
    LinkKind.CONFIRM: timedelta(hours=24),
    LinkKind.RESCHEDULE: timedelta(hours=24),
    LinkKind.CANCEL: timedelta(hours=24),
    LinkKind.PORTAL: timedelta(hours=24),
    LinkKind.UNSUBSCRIBE: timedelta(days=60),
}


async def mint(
    db: Database, keys: KeyRing, organization: OrganizationId, kinds: list[LinkKind]
) -> list[str]:
    told = Origin(source="ehr", external_id="p1", version=None, told_at=NOW)
    registered = await PatientService(db, keys, InferredWhereabouts()).register(
        organization, Registration(origin=told), now=NOW
    )
    async with db.transaction(organization) as tx:
        address_id = await directory.ensure_address(tx, organization, Channel.SMS, b"h" * 32)
        orders = [
            LinkOrder(kind=kind, patient_id=registered.patient_id, address_id=address_id)
            for kind in kinds
        ]
        return await links.mint_in(tx, organization, keys, orders, now=NOW)


async def found(db: Database, keys: KeyRing, path: str) -> Link:
    link = await links.find(db, keys, path.rpartition("/")[2])
    assert link is not None
    return link


@pytest.mark.requirement("R7.9")
async def test_each_kind_lives_as_long_as_it_may(
    db: Database, keys: KeyRing, organization: OrganizationId
) -> None:
    kinds = list(LinkKind)
    for kind, path in zip(kinds, await mint(db, keys, organization, kinds), strict=True):
        link = await found(db, keys, path)
        assert (link.kind, link.organization_id) == (kind, organization)
        end = NOW + LIVES[kind]
        assert link.state_at(end - timedelta(microseconds=1)) is LinkState.VALID
        assert link.state_at(end) is LinkState.EXPIRED


async def test_paths_come_in_the_order_asked_for_and_no_two_are_alike(
    db: Database, keys: KeyRing, organization: OrganizationId
) -> None:
    kinds = [LinkKind.UNSUBSCRIBE, LinkKind.CONFIRM] * 50
    paths = await mint(db, keys, organization, kinds)
    assert [path[:3] for path in paths] == ["/u/", "/l/"] * 50
    assert len(set(paths)) == len(paths)
    assert await mint(db, keys, organization, []) == []


async def test_the_table_holds_no_token(
    db: Database, keys: KeyRing, organization: OrganizationId
) -> None:
    (path,) = await mint(db, keys, organization, [LinkKind.PORTAL])
    async with db.engine_transaction() as tx:
        row = (await tx.execute(text("SELECT t::text FROM action_links t"))).scalar_one()
    token = path.rpartition("/")[2]
    assert token not in row
    assert token.encode().hex() not in row
    other = KeyRing(encryption_key="another", lookup_key="another look-up key")
    assert await links.find(db, other, token) is None


async def test_altered_by_one_character_a_token_is_unknown(
    db: Database, keys: KeyRing, organization: OrganizationId
) -> None:
    (path,) = await mint(db, keys, organization, [LinkKind.CONFIRM])
    token = path.rpartition("/")[2]
    for place, character in enumerate(token):
        other = "B" if character == "A" else "A"
        altered = token[:place] + other + token[place + 1 :]
        assert await links.find(db, keys, altered) is None


async def test_a_used_link_tells_what_it_was_used_for_and_when_first(
    db: Database, keys: KeyRing, organization: OrganizationId
) -> None:
    (path,) = await mint(db, keys, organization, [LinkKind.PORTAL])
    link = await found(db, keys, path)
    async with db.transaction(organization) as tx:
        await links.spend_in(tx, link.id, "confirm", now=NOW)
        later = NOW + timedelta(hours=1)
        link = await links.spend_in(tx, link.id, "reschedule", now=later)
    assert (link.used_at, link.used_for) == (NOW, frozenset({"confirm", "reschedule"}))
    assert link.state_at(NOW) is LinkState.USED


async def test_the_application_sees_no_link_of_another_organisation(
    db: Database,
    keys: KeyRing,
    organization: OrganizationId,
    other_organization: OrganizationId,
) -> None:
    await mint(db, keys, organization, [LinkKind.CONFIRM])
    async with db.transaction(other_organization) as tx:
        count = await tx.execute(text("SELECT count(*) FROM action_links"))
        assert count.scalar_one() == 0
