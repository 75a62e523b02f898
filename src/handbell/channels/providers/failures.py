"""The providers' error codes, their classes, and the outcome that each class means.

The table is `errors.json`. A code that it does not know is a refusal: a provider that answers
in its own words has not sent.
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


_SAFE_TO_REPEAT: Final = {Failure.TRANSIENT, Failure.RATE_LIMIT, Failure.POLICY_TIME}
_WAITS: Final = {"next_day": _DAY, "after_24h": _DAY}


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
    """What an error answer with this code of the provider's own means."""
    row = _table().get((provider.value, code))
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Retry(code=code, retry_after=answer.retry_after)
    if row is None:
        return _unlisted(code, answer)
    if row.failure in _SAFE_TO_REPEAT and row.retry != "after_fix":
        return Retry(code=code, retry_after=answer.retry_after or _WAITS.get(row.retry))
    if row.failure is Failure.AMBIGUOUS:
        return Unknown(code=code)
    return Refused(
        code=code,
        opted_out=row.failure is Failure.OPT_OUT,
        bad_address=row.failure is Failure.INVALID_RECIPIENT,
    )


def _unlisted(code: str, answer: Answer) -> Outcome:
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unknown(code=code)
    return Refused(code=code)


def wordless(answer: Answer) -> Outcome:
    """What an answer without the provider's own words means: an edge or a proxy spoke."""
    code = f"http_{answer.status}"
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Retry(code=code, retry_after=answer.retry_after)
    return Unknown(code=code)


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
