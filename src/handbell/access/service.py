"""Makes, revokes and checks API keys, and reads tokens."""

import secrets
from datetime import datetime

import asyncpg
from sqlalchemy import insert, update

from handbell.access.tables import ApiKeyRow
from handbell.access.tokens import read_token
from handbell.access.types import Caller, CreatedApiKey, Role, TokenRules
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.platform.errors import CredentialRefused

KEY_START = "hb_"
_FIND_KEY = """
SELECT id, organization_id, prefix, role FROM api_keys
WHERE key_hash = $1 AND revoked_at IS NULL
"""


class AccessService:
    """Says who a bearer is. Implements the authentication port of `platform.http`."""

    def __init__(self, db: Database, keys: KeyRing, tokens: TokenRules | None = None) -> None:
        self._db = db
        self._keys = keys
        self._tokens = tokens or TokenRules()

    async def create_api_key(
        self, organization_id: OrganizationId, *, name: str, role: Role, now: datetime
    ) -> CreatedApiKey:
        """Create a key `hb_<prefix>_<secret>`; only its keyed hash is stored."""
        prefix = secrets.token_hex(4)
        key = f"{KEY_START}{prefix}_{secrets.token_urlsafe(32)}"
        statement = (
            insert(ApiKeyRow)
            .values(
                organization_id=organization_id,
                name=name,
                role=role.value,
                prefix=prefix,
                key_hash=self._keys.token_hash(key),
                created_at=now,
            )
            .returning(ApiKeyRow.id)
        )
        async with self._db.transaction(organization_id) as tx:
            key_id = (await tx.execute(statement)).scalar_one()
        return CreatedApiKey(id=key_id, prefix=prefix, key=key)

    async def revoke_api_key(
        self, organization_id: OrganizationId, key_id: int, *, now: datetime
    ) -> bool:
        """End a key at once; say whether it was in force."""
        statement = (
            update(ApiKeyRow)
            .where(ApiKeyRow.id == key_id, ApiKeyRow.revoked_at.is_(None))
            .values(revoked_at=now)
            .returning(ApiKeyRow.id)
        )
        async with self._db.transaction(organization_id) as tx:
            return (await tx.execute(statement)).one_or_none() is not None

    async def authenticate(self, bearer: str, *, now: datetime) -> Caller:
        """Give the caller behind a key or token, or raise `CredentialRefused`.

        Every key costs one hash and one look-up by it, whether it exists or not.
        """
        if not bearer.startswith(KEY_START):
            return read_token(bearer, self._tokens, now=now)
        rows = await self._db.direct.rows(_FIND_KEY, self._keys.token_hash(bearer))
        if not rows:
            raise CredentialRefused
        return _to_caller(rows[0])


def _to_caller(row: asyncpg.Record) -> Caller:
    return Caller(
        organization_id=OrganizationId(row["organization_id"]),
        name=f"key:{row['prefix']}",
        role=Role(row["role"]),
        key_id=row["id"],
    )
