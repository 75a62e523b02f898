"""Tokens of links: random bits and a signature over them, and nothing else.

A token that no key of ours signed is refused without a look into the database.
"""

import base64
import hmac
import re
import secrets
from typing import Final

from handbell.platform.crypto import KeyRing

RANDOM_BYTES: Final = 12
TAG_BYTES: Final = 6
"""96 random bits and 48 of signature: 24 characters, short enough for a text message."""

_FORM: Final = re.compile(r"[A-Za-z0-9_-]{24}")


def new_token(keys: KeyRing) -> tuple[str, bytes]:
    """A token, signed with the newest key, and the keyed hash that it is stored under."""
    nonce = secrets.token_bytes(RANDOM_BYTES)
    raw = nonce + _tags(keys, nonce)[0]
    return base64.urlsafe_b64encode(raw).decode(), keys.link_macs("row", raw)[0]


def stored_hash(keys: KeyRing, token: str) -> bytes | None:
    """What a token is stored under; None where no key of ours signed it."""
    if _FORM.fullmatch(token) is None:
        return None
    raw = base64.urlsafe_b64decode(token)
    nonce, tag = raw[:RANDOM_BYTES], raw[RANDOM_BYTES:]
    for no, expected in enumerate(_tags(keys, nonce)):
        if hmac.compare_digest(tag, expected):
            return keys.link_macs("row", raw)[no]
    return None


def _tags(keys: KeyRing, nonce: bytes) -> list[bytes]:
    return [mac[:TAG_BYTES] for mac in keys.link_macs("sign", nonce)]
