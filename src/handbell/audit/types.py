"""What an audit entry is, what a sealed block is, and what verification may find."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from handbell.platform.db import OrganizationId

SubjectIds = Mapping[str, int | str | Sequence[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One act or read: who, what (`domain.verdict`) and on which ids; never a name or a text."""

    organization_id: OrganizationId
    at: datetime
    actor: str
    action: str
    subject: SubjectIds

    def canonical(self) -> bytes:
        """The bytes that are hashed: the same entry gives the same bytes for ever."""
        content = {
            "action": self.action,
            "actor": self.actor,
            "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "organization_id": self.organization_id,
            "subject": dict(self.subject),
        }
        return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()

    def leaf(self) -> bytes:
        return hashlib.sha256(self.canonical()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A stored row's place in the log. `is_genuine`: its content still gives leaf and mac."""

    source: str
    id: int
    organization_id: int
    digest: bytes
    is_genuine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A sealed run: all leaves with `xid_from <= xid < xid_to`."""

    no: int
    xid_from: int
    xid_to: int
    count: int
    root: bytes
    hash: bytes


def block_hash(previous: bytes, *, no: int, count: int, root: bytes) -> bytes:
    """SHA-256(previous hash ‖ no ‖ count ‖ root); the numbers are 8 bytes, big-endian."""
    numbers = no.to_bytes(8, "big") + count.to_bytes(8, "big")
    return hashlib.sha256(previous + numbers + root).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest block's number and hash: kept elsewhere, it shows that a tail was cut."""

    no: int
    hash: bytes


class Finding(StrEnum):
    """What is wrong with the log."""

    ENTRY_ALTERED = "entry_altered"
    ENTRY_MISSING = "entry_missing"
    ENTRY_ADDED = "entry_added"
    BLOCK_ALTERED = "block_altered"
    BLOCK_MISSING = "block_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """The first thing wrong. `entry_id` is unknown for an entry that is gone."""

    finding: Finding
    block_no: int | None = None
    source: str | None = None
    entry_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """`entries` counts all entries read; `unsealed` of them are held by their macs alone."""

    flaw: Flaw | None
    blocks: int
    entries: int
    unsealed: int
    head: Head | None

    @property
    def intact(self) -> bool:
        return self.flaw is None


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof:
    """Shows that one entry is in a block without showing any other entry."""

    block_no: int
    index: int
    count: int
    leaf: bytes
    path: tuple[bytes, ...]
    root: bytes
