"""What Meta's answer to a send means."""

from http import HTTPStatus

from handbell.channels.providers import failures
from handbell.channels.types import Accepted, Outcome, Provider, Unknown
from handbell.platform.transport import Answer


def read(answer: Answer) -> Outcome:
    """Branch on Meta's own code: the HTTP status is not part of the contract."""
    body = answer.json()
    if not isinstance(body, dict):
        return failures.wordless(answer)
    error = body.get("error")
    if isinstance(error, dict) and isinstance(error.get("code"), int):
        return failures.outcome_of(Provider.WHATSAPP, str(error["code"]), answer=answer)
    if answer.status == HTTPStatus.OK:
        ref = _reference(body.get("messages"))
        return Accepted(provider_ref=ref) if ref else Unknown(code="no_wamid")
    return failures.wordless(answer)


def _reference(messages: object) -> str | None:
    first = messages[0] if isinstance(messages, list) and messages else None
    ref = first.get("id") if isinstance(first, dict) else None
    return ref if isinstance(ref, str) else None
