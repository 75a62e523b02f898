"""Canonical addresses, and which of two statements is the newer one."""

import re
from datetime import datetime
from typing import Final

import phonenumbers

from handbell.directory.errors import InvalidAddress
from handbell.directory.types import Address, Origin
from handbell.platform.vocabulary import Channel

MAILBOX: Final = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
    re.IGNORECASE,
)
NORTH_AMERICA: Final = 1
MAILBOX_LENGTH: Final = 254
HOME_REGION: Final = "US"


def canonical_address(channel: Channel, raw: str, *, region: str | None = None) -> Address:
    """Bring an address into the one form that is hashed, or raise `InvalidAddress`.

    `region` (ISO 3166-1 alpha-2) reads numbers that carry no country code.
    """
    if channel is Channel.EMAIL:
        return Address(channel=channel, value=_canonical_mailbox(raw), country=None)
    value, country = _canonical_number(raw, region or HOME_REGION)
    return Address(channel=channel, value=value, country=country)


def _canonical_mailbox(raw: str) -> str:
    mailbox = raw.strip().lower()
    local = mailbox.partition("@")[0]
    dotted = local.startswith(".") or local.endswith(".") or ".." in local
    if len(mailbox) > MAILBOX_LENGTH or dotted or MAILBOX.fullmatch(mailbox) is None:
        raise InvalidAddress("This is not an e-mail address.", reason="not_a_mailbox")
    return mailbox


def _canonical_number(raw: str, region: str) -> tuple[str, str | None]:
    """E.164, of the right length with its area code; in North America the area code exists.

    Elsewhere not more is asked: the numbers set aside for fiction must pass.
    """
    try:
        number = phonenumbers.parse(raw, region.upper())
    except phonenumbers.NumberParseException as unreadable:
        raise InvalidAddress("This is not a number.", reason="not_a_number") from unreadable
    if number.extension or not _is_dialable(number):
        raise InvalidAddress("This number cannot be texted.", reason="impossible_number")
    country = phonenumbers.region_code_for_number(number) or _region_of_code(number)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), country


def _is_dialable(number: phonenumbers.PhoneNumber) -> bool:
    if number.country_code == NORTH_AMERICA:
        return phonenumbers.is_valid_number(number)
    complete = phonenumbers.ValidationResult.IS_POSSIBLE
    return phonenumbers.is_possible_number_with_reason(number) == complete


def _region_of_code(number: phonenumbers.PhoneNumber) -> str | None:
    region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    return None if region in ("ZZ", "001") else region


def is_older(origin: Origin, *, version: int | None, told_at: datetime | None) -> bool:
    """Whether a statement is older than the newest one taken; versions count before times."""
    if origin.version is not None and version is not None:
        return origin.version < version
    return told_at is not None and origin.told_at < told_at
