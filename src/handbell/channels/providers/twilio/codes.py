"""What Twilio's answer to a create means."""

from http import HTTPStatus

from handbell.channels.providers import failures
from handbell.channels.types import Accepted, Outcome, Provider, Unknown
from handbell.platform.transport import Answer


def read(answer: Answer) -> Outcome:
    """201 carries a sid; an error carries Twilio's own number; anything else is a stranger's."""
    body = answer.json()
    if not isinstance(body, dict):
        return failures.wordless(answer)
    if answer.status == HTTPStatus.CREATED:
        sid = body.get("sid")
        return Accepted(provider_ref=sid) if isinstance(sid, str) else Unknown(code="no_sid")
    code = body.get("code")
    if not isinstance(code, int):
        return failures.wordless(answer)
    return failures.outcome_of(Provider.TWILIO, str(code), answer=answer)
