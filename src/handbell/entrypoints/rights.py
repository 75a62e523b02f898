"""What patients may ask of an operator: proof of consent, and to be erased."""

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from handbell.entrypoints.operations import opened
from handbell.patients.consents.service import as_data, as_page
from handbell.platform.db import OrganizationId
from handbell.platform.errors import InvalidError
from handbell.platform.settings import Settings
from handbell.privacy.types import Erasure, ErasureReason

OPERATOR = "operator"


class ReasonUnknown(InvalidError):
    """Raised for a reason of erasure that does not exist."""

    code = "reason_unknown"


class ErasuresUnreadable(InvalidError):
    """Raised for a file that is not a list of erasures."""

    code = "erasures_unreadable"


async def prove_consent(
    settings: Settings, *, org: int, patient: int, html: Path | None
) -> dict[str, Any]:
    """The proof for one patient; as a page in `html` if it is given. The read is audited."""
    async with opened(settings) as rt:
        proof = await rt.consent_proofs.prove(
            OrganizationId(org), patient, actor=OPERATOR, now=await rt.clock.now()
        )
    if html is not None:
        await asyncio.to_thread(write_privately, html, as_page(proof))
        return {"patient": patient, "addresses": len(proof.addresses), "file": str(html)}
    return {"patient": patient, "addresses": as_data(proof)}


def write_privately(file: Path, text: str) -> None:
    """Write a text that its owner alone may read."""
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")


async def erase_patient(
    settings: Settings, *, org: int, patient: int, reason: str
) -> dict[str, Any]:
    """Erase a patient for good."""
    if reason not in set(ErasureReason):
        known = ", ".join(ErasureReason)
        raise ReasonUnknown(f"There is no reason {reason!r}; reasons are {known}.")
    async with opened(settings) as rt:
        done = await rt.privacy.erase(
            OrganizationId(org),
            patient,
            ErasureReason(reason),
            actor=OPERATOR,
            now=await rt.clock.now(),
        )
    return _shown(done)


async def list_erasures(settings: Settings, *, org: int) -> dict[str, Any]:
    """Everybody who was erased, to be kept outside the database."""
    async with opened(settings) as rt:
        found = await rt.privacy.list_erasures(OrganizationId(org))
    return {"organization_id": org, "erasures": [_shown(one) for one in found]}


async def replay_erasures(settings: Settings, *, file: Path) -> dict[str, Any]:
    """Erase again whom a restored backup brought back."""
    organization_id, listed = read_erasures(file)
    async with opened(settings) as rt:
        again = await rt.privacy.replay(organization_id, listed, now=await rt.clock.now())
    return {"listed": len(listed), "erased_again": again}


def read_erasures(file: Path) -> tuple[OrganizationId, list[Erasure]]:
    """What `patient erasures --json` wrote. Raises `ErasuresUnreadable`."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        listed = [
            Erasure(
                patient_id=int(one["patient_id"]),
                reason=ErasureReason(one["reason"]),
                erased_by=str(one["erased_by"]),
                erased_at=datetime.fromisoformat(one["erased_at"]),
            )
            for one in told["erasures"]
        ]
        return OrganizationId(int(told["organization_id"])), listed
    except (OSError, ValueError, KeyError, TypeError) as why:
        raise ErasuresUnreadable("The file is not a list of erasures.") from why


def _shown(one: Erasure) -> dict[str, Any]:
    return {
        "patient_id": one.patient_id,
        "reason": one.reason.value,
        "erased_by": one.erased_by,
        "erased_at": one.erased_at.isoformat(),
    }
