"""The providers' error codes, their classes, and the outcome that each class means.

The table is `errors.json`. A 4xx with a code that it does not know is a refusal: a provider that
answers so in its own words has not sent.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import Final

from handbell.channels.types import Outcome, Provider, Refused, Retry, Unknown
from handbell.platform.transport import Answer, NeverLeft, NoAnswer, Transport

_DAY: Final = timedelta(hours=24)
_CLIENT_ERRORS: Final = range(400, 500)


class Failure(StrEnum):
    """What kind of failure a code is."""

    ACCEPTED = "accepted"
    AMBIGUOUS = "ambiguous"
    AUTH = "auth"
    CONTENT = "content"
    EXPIRED = "expired"
    INVALID_RECIPIENT = "invalid_recipient"
    OPT_OUT = "opt_out"
    POLICY_TIME = "policy_time"
    RATE_LIMIT = "rate_limit"
    SENDER_CONFIG = "sender_config"
    TRANSIENT = "transient"


_NOT_TAKEN: Final = frozenset({"backoff", "next_day", "after_24h"})
"""Advice that says: nothing was sent, and a later request may succeed."""
_WAITS: Final = {"next_day": _DAY, "after_24h": _DAY}
_SAYS_NOTHING: Final = frozenset({Failure.AMBIGUOUS, Failure.ACCEPTED})
_AMBIGUOUS_AT_ONCE: Final = frozenset({(Provider.WHATSAPP, "131000")})
"""Transient in a webhook, ambiguous as an answer to the request itself (errors.json, note)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    failure: Failure
    retry: str


@cache
def _table() -> dict[tuple[str, str], _Row]:
    raw = json.loads(files(__package__).joinpath("errors.json").read_text(encoding="utf-8"))
    return {
        (row["provider"], str(row["code"])): _Row(
            failure=Failure(row["class"]), retry=row["retry"]
        )
        for row in raw["rows"]
    }


def failure_of(provider: Provider, code: str | None) -> Failure | None:
    """The class of a code, None where the table does not know it."""
    row = _table().get((provider.value, code or ""))
    return row.failure if row else None


def outcome_of(provider: Provider, code: str, *, answer: Answer) -> Outcome:
    """What an error answer with this code of the provider's own means.

    The code decides, and the HTTP status only where the table does not know the code.
    """
    row = _table().get((provider.value, code))
    if row is None:
        return _of_status(code, answer)
    if row.failure in _SAYS_NOTHING or (provider, code) in _AMBIGUOUS_AT_ONCE:
        return Unknown(code=code)
    if row.retry in _NOT_TAKEN:
        named = answer.retry_after
        return Retry(code=code, retry_after=_WAITS.get(row.retry) if named is None else named)
    return Refused(
        code=code,
        opted_out=row.failure is Failure.OPT_OUT,
        bad_address=row.failure is Failure.INVALID_RECIPIENT,
    )


def wordless(answer: Answer) -> Outcome:
    """What an answer without the provider's own words means: an edge or a proxy spoke.

    A page of HTML says nothing of what stands behind it. A bare 4xx was refused at the door.
    """
    code = f"http_{answer.status}"
    is_refusal = answer.status in _CLIENT_ERRORS and not answer.is_page
    is_late = answer.status == HTTPStatus.TOO_MANY_REQUESTS
    return _of_status(code, answer) if is_refusal or is_late else Unknown(code=code)


def _of_status(code: str, answer: Answer) -> Outcome:
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Retry(code=code, retry_after=answer.retry_after)
    return Refused(code=code) if answer.status in _CLIENT_ERRORS else Unknown(code=code)


async def post_once(
    transport: Transport, url: str, *, headers: dict[str, str], body: bytes
) -> Answer | Retry | Unknown:
    """Post, and turn the two ways of having no answer into their outcomes."""
    try:
        return await transport.post(url, headers=headers, body=body)
    except NeverLeft:
        return Retry(code="never_left")
    except NoAnswer:
        return Unknown(code="no_answer")
