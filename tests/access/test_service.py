"""Keys and tokens: who gets in, as whom, and who does not."""

from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from sqlalchemy import text

from handbell.access.service import AccessService
from handbell.access.tokens import read_token
from handbell.access.types import Caller, Role, Scope, TokenRules, parse_role_map
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.platform.errors import CredentialRefused

NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
SECRET = "a shared secret of more than 32 bytes"
OPEN = TokenRules(secret=SECRET, allow_no_exp=True, roles={6: Role.PROVIDER})
STRICT = TokenRules(secret=SECRET, roles={6: Role.PROVIDER})
CLAIMS = {"username": "dr@example.org", "user_id": 12, "roleid": 6}
FULL = CLAIMS | {"exp": NOON.timestamp() + 60, "aud": "handbell", "iss": "ovhi"}


def token(claims: dict[str, Any], secret: str = SECRET) -> str:
    return jwt.encode(claims, secret, algorithm="HS256")


async def test_a_key_lets_in_its_organisation_until_it_is_revoked(
    db: Database, keys: KeyRing, organization: OrganizationId, other_organization: OrganizationId
) -> None:
    access = AccessService(db, keys)
    made = await access.create_api_key(organization, name="EHR", role=Role.INTEGRATION, now=NOON)
    assert made.key.startswith(f"hb_{made.prefix}_")
    assert made.key not in repr(made)
    assert await access.authenticate(made.key, now=NOON) == Caller(
        organization_id=organization,
        name=f"key:{made.prefix}",
        role=Role.INTEGRATION,
        key_id=made.id,
    )
    assert not await access.revoke_api_key(other_organization, made.id, now=NOON)
    assert await access.revoke_api_key(organization, made.id, now=NOON)
    with pytest.raises(CredentialRefused):
        await access.authenticate(made.key, now=NOON)


async def test_a_key_is_not_stored_and_a_wrong_secret_is_refused(
    db: Database, keys: KeyRing, organization: OrganizationId
) -> None:
    access = AccessService(db, keys)
    made = await access.create_api_key(organization, name="EHR", role=Role.ADMIN, now=NOON)
    async with db.engine_transaction() as tx:
        stored = (await tx.execute(text("SELECT api_keys::text FROM api_keys"))).scalar_one()
    assert made.key.removeprefix(f"hb_{made.prefix}_") not in stored
    for wrong in (made.key + "x", f"hb_{made.prefix}_", "hb_"):
        with pytest.raises(CredentialRefused):
            await access.authenticate(wrong, now=NOON)


def test_a_token_without_expiry_counts_only_where_it_is_allowed() -> None:
    caller = read_token(token(CLAIMS), OPEN, now=NOON)
    assert (caller.organization_id, caller.name, caller.role) == (1, "user:12", Role.PROVIDER)
    with pytest.raises(CredentialRefused):
        read_token(token(CLAIMS), STRICT, now=NOON)
    assert read_token(token(FULL), STRICT, now=NOON).name == "user:12"


@pytest.mark.parametrize(
    "bad",
    [
        token(CLAIMS, "another secret of more than 32 bytes"),
        token(CLAIMS | {"roleid": 7}),
        token(CLAIMS | {"user_id": "12"}),
        token(CLAIMS | {"exp": NOON.timestamp()}),
        token(CLAIMS | {"nbf": NOON.timestamp() + 1}),
        token(CLAIMS)[:-4],
        jwt.encode(CLAIMS, "", algorithm="none"),
        "",
    ],
)
def test_a_forged_or_expired_token_or_an_unmapped_role_is_refused(bad: str) -> None:
    with pytest.raises(CredentialRefused):
        read_token(bad, OPEN, now=NOON)


@pytest.mark.parametrize("change", [{"aud": "x"}, {"iss": "x"}, {"exp": NOON.timestamp() - 1}])
def test_a_strict_deployment_checks_audience_issuer_and_expiry(change: dict[str, Any]) -> None:
    with pytest.raises(CredentialRefused):
        read_token(token(FULL | change), STRICT, now=NOON)


def test_without_a_secret_no_token_is_accepted() -> None:
    with pytest.raises(CredentialRefused):
        read_token(token(CLAIMS), TokenRules(roles=OPEN.roles, allow_no_exp=True), now=NOON)


def test_roles_may_do_their_own_work_only() -> None:
    def may(role: Role, scope: Scope) -> bool:
        return Caller(organization_id=OrganizationId(1), name="key:x", role=role).may(scope)

    assert all(may(Role.ADMIN, scope) for scope in Scope)
    assert [role for role in Role if may(role, Scope.EVENTS_WRITE)] == [
        Role.ADMIN,
        Role.INTEGRATION,
    ]
    assert not may(Role.AUDITOR, Scope.PATIENTS_READ)
    assert not may(Role.MARKETING, Scope.PATIENTS_READ)


def test_a_wrong_role_map_names_the_pair() -> None:
    assert parse_role_map("6:provider, 2:staff") == {6: Role.PROVIDER, 2: Role.STAFF}
    with pytest.raises(ValueError, match="'7:patient'"):
        parse_role_map("6:provider,7:patient")
