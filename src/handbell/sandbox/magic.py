"""Twilio's magic numbers: what its test credentials answer to them."""

from collections.abc import Mapping
from typing import Final

_START: Final = "+1500555"
_WORKS: Final = "+15005550006"
_SENDERS: Final = {"0001": 21212, "0007": 21606, "0008": 21611}
_RECEIVERS: Final = {"0001": 21211, "0002": 21612, "0003": 21408, "0004": 21610, "0009": 21614}
_NOT_YOURS: Final = 21606


def code_of(form: Mapping[str, str]) -> int | None:
    """The error code that a magic number stands for; None where the request is in order so far.

    Only one sender works, and any other is not the account's.
    """
    sender, to = form.get("From", ""), form.get("To", "")
    if sender != _WORKS:
        return _SENDERS.get(sender.removeprefix(_START), _NOT_YOURS)
    return _RECEIVERS.get(to.removeprefix(_START))
