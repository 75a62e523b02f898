"""What SendGrid's answer to a mail/send means. It has no codes but the HTTP status."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from handbell.channels.providers import failures
from handbell.channels.types import Accepted, Outcome, Provider, Refused, Retry, Unknown
from handbell.platform.transport import Answer

_RECIPIENT: Final = re.compile(r"personalizations\.\d+\.to\b")


def read(answer: Answer) -> Outcome:
    """202 names the message in a header; 413 is documented to be a page of HTML."""
    if answer.status in {HTTPStatus.ACCEPTED, HTTPStatus.OK}:
        ref = answer.headers.get("x-message-id")
        return Accepted(provider_ref=ref) if ref else Unknown(code="no_message_id")
    errors = _errors(answer)
    if errors is None and answer.status != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return failures.wordless(answer)
    outcome = failures.outcome_of(Provider.SENDGRID, str(answer.status), answer=answer)
    if isinstance(outcome, Refused) and any(map(_blames_recipient, errors or ())):
        return replace(outcome, bad_address=True)
    if isinstance(outcome, Retry) and outcome.retry_after is None:
        return replace(outcome, retry_after=_reset(answer))
    return outcome


def _reset(answer: Answer) -> datetime | None:
    """When the limit begins anew: SendGrid names it in Unix seconds, not by Retry-After."""
    try:
        return datetime.fromtimestamp(int(answer.headers["x-ratelimit-reset"]), tz=UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def _errors(answer: Answer) -> list[object] | None:
    body = answer.json()
    errors = body.get("errors") if isinstance(body, dict) else None
    return errors if isinstance(errors, list) else None


def _blames_recipient(error: object) -> bool:
    where = error.get("field") if isinstance(error, dict) else None
    return isinstance(where, str) and _RECIPIENT.match(where) is not None
