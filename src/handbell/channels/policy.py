"""What a line of each provider looks like."""

import re
from typing import Final

from handbell.channels.errors import InvalidLine
from handbell.channels.types import NewLine, Provider

_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_SHORT_CODE: Final = re.compile(r"[0-9]{5,6}")
_MAILBOX: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[^@\s.]{2,63}")


def check_line(provider: Provider, line: NewLine) -> None:
    """Raises `InvalidLine` for what the provider could not send from."""
    match provider:
        case Provider.TWILIO:
            if not (_E164.fullmatch(line.address) or _SHORT_CODE.fullmatch(line.address)):
                raise InvalidLine("address", "a number such as +12025550100, or a short code")
        case Provider.SENDGRID:
            if not _MAILBOX.fullmatch(line.address):
                raise InvalidLine("address", "a mailbox such as care@practice.example.org")
        case Provider.WHATSAPP:
            if not _E164.fullmatch(line.address):
                raise InvalidLine("address", "a number such as +12025550100")
            if not line.reference:
                raise InvalidLine("reference", "the phone number id that Meta gave it")
