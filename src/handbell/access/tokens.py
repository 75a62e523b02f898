"""JSON Web Tokens (HS256) of the practice-management platform."""

from datetime import datetime
from typing import Any

import jwt

from handbell.access.types import Caller, TokenRules
from handbell.platform.errors import CredentialRefused


def read_token(token: str, rules: TokenRules, *, now: datetime) -> Caller:
    """Give the caller that a valid token names, or raise `CredentialRefused`."""
    claims = _claims(token, rules)
    _check_times(claims, now=now)
    user_id, role_id = claims.get("user_id"), claims.get("roleid")
    if not isinstance(user_id, int) or not isinstance(role_id, int) or role_id not in rules.roles:
        raise CredentialRefused
    return Caller(
        organization_id=rules.organization_id, name=f"user:{user_id}", role=rules.roles[role_id]
    )


def _claims(token: str, rules: TokenRules) -> dict[str, Any]:
    if not rules.secret:
        raise CredentialRefused
    named = not rules.allow_no_exp
    try:
        return jwt.decode(
            token,
            rules.secret,
            algorithms=["HS256"],
            audience=rules.audience if named else None,
            issuer=rules.issuer if named else None,
            options={
                "require": ["exp", "aud", "iss"] if named else [],
                "verify_aud": named,
                "verify_iss": named,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except jwt.PyJWTError:
        raise CredentialRefused from None


def _check_times(claims: dict[str, Any], *, now: datetime) -> None:
    """Compare with our clock: the library would read the machine's."""
    instant = now.timestamp()
    expires, begins = claims.get("exp", instant + 1), claims.get("nbf", instant)
    if not isinstance(expires, int | float) or not isinstance(begins, int | float):
        raise CredentialRefused
    if expires <= instant or begins > instant:
        raise CredentialRefused
