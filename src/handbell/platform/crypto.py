"""Keys: one per data subject for texts and addresses, one for look-ups, one for the audit log.

Every key is derived (HKDF-SHA256) or unwrapped (AES-256-GCM) from the deployment's
`ENCRYPTION_KEY` and `LOOKUP_KEY`; no key is stored in clear in the database.
"""

import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
DERIVED: Final = "derived"
"""Stands in a list of link keys for the one that needs no setting."""
KEK_VERSION: Final = 1
"""The version of the key-encryption key that new data keys are wrapped with."""


class CannotDecrypt(Exception):
    """The ciphertext is damaged, belongs to another row, or its key was erased."""


def derive(secret: str, purpose: str) -> bytes:
    """Derive a 256-bit key for one purpose; different purposes give unrelated keys."""
    return HKDF(
        algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"handbell/{purpose}".encode()
    ).derive(secret.encode())


def seal(key: bytes, plaintext: bytes, *, context: str) -> bytes:
    """Encrypt with AES-256-GCM. `context` binds the ciphertext to where it is stored."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, context.encode())


def unseal(key: bytes, ciphertext: bytes, *, context: str) -> bytes:
    """Decrypt what `seal` made with the same key and context, or raise `CannotDecrypt`."""
    nonce, body = ciphertext[:NONCE_BYTES], ciphertext[NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, body, context.encode())
    except (InvalidTag, ValueError) as damaged:
        raise CannotDecrypt(context) from damaged


@dataclass(frozen=True, slots=True, repr=False)
class SubjectKey:
    """The data key of one patient (or of an organisation). Erasing it erases the texts."""

    key: bytes

    @staticmethod
    def fresh() -> "SubjectKey":
        return SubjectKey(os.urandom(KEY_BYTES))

    def encrypt(self, text: str, *, context: str) -> bytes:
        return seal(self.key, text.encode(), context=context)

    def decrypt(self, ciphertext: bytes, *, context: str) -> str:
        return unseal(self.key, ciphertext, context=context).decode()


class KeyRing:
    """What the process knows of the deployment's secrets; made once at start.

    Links are signed with the first of the `link_keys`; those made with the others hold still.
    """

    def __init__(
        self, *, encryption_key: str, lookup_key: str, link_keys: Sequence[str] = ()
    ) -> None:
        self._kek = {KEK_VERSION: derive(encryption_key, "key-encryption-key/1")}
        self._lookup = derive(lookup_key, "lookup")
        self._links = [
            derive(lookup_key if one == DERIVED else one, "links")
            for one in link_keys or (DERIVED,)
        ]
        self.audit_key = derive(encryption_key, "audit")
        self._unassigned = derive(encryption_key, "webhooks")
        self._credentials = derive(encryption_key, "provider-credentials")

    def wrap(self, subject: SubjectKey) -> tuple[bytes, int]:
        """Give the wrapped data key and the version of the key that wrapped it."""
        return seal(self._kek[KEK_VERSION], subject.key, context="subject-key"), KEK_VERSION

    def unwrap(self, wrapped: bytes, version: int) -> SubjectKey:
        if version not in self._kek:
            raise CannotDecrypt("subject-key")
        return SubjectKey(unseal(self._kek[version], wrapped, context="subject-key"))

    def seal_raw(self, raw: bytes, *, context: str) -> bytes:
        """Encrypt what came in before it is known which patient it is from."""
        return seal(self._unassigned, raw, context=context)

    def unseal_raw(self, sealed: bytes, *, context: str) -> bytes:
        return unseal(self._unassigned, sealed, context=context)

    def seal_credentials(self, raw: bytes, *, context: str) -> bytes:
        """Encrypt what we sign in with at a provider."""
        return seal(self._credentials, raw, context=context)

    def unseal_credentials(self, sealed: bytes, *, context: str) -> bytes:
        return unseal(self._credentials, sealed, context=context)

    def address_hash(self, channel: str, canonical_address: str) -> bytes:
        """A keyed hash for equality: 32 bytes, useless without the look-up key."""
        return self._hash("address", channel, canonical_address)

    def token_hash(self, token: str) -> bytes:
        """A keyed hash under which an API key is stored: 32 bytes."""
        return self._hash("token", token)

    def link_macs(self, purpose: str, message: bytes) -> list[bytes]:
        """The authentication code of a message under each key of links, the newest first."""
        spoken = purpose.encode() + b"\x1f" + message
        return [hmac.new(key, spoken, hashlib.sha256).digest() for key in self._links]

    def _hash(self, *parts: str) -> bytes:
        return hmac.new(self._lookup, "\x1f".join(parts).encode(), hashlib.sha256).digest()


def database_password(encryption_key: str, role: str) -> str:
    """The password of a database role, derived so that nobody has to keep it."""
    return derive(encryption_key, f"database/{role}").hex()
