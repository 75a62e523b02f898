"""A written agreement to marketing held against the organisation, the address and the words."""

from dataclasses import replace

from handbell.consent import policy, wordings
from handbell.consent.errors import WrittenConsentIncomplete
from handbell.consent.policy import AgreementFacts
from handbell.consent.types import Agreement, Attested, Decision
from handbell.directory import service as directory
from handbell.directory.errors import InvalidAddress
from handbell.organizations.service import organization_in
from handbell.platform.crypto import KeyRing
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Channel


async def completed(
    tx: Tx,
    organization_id: OrganizationId,
    decision: Decision,
    agreement: Agreement | Attested | None,
    address: tuple[str, bytes],
    *,
    keys: KeyRing,
) -> Decision:
    """The grant with the elements of its agreement in it. Raises `WrittenConsentIncomplete`."""
    if isinstance(agreement, Attested):
        if lacking := policy.attestation_lacks(decision):
            raise WrittenConsentIncomplete(lacking)
        return replace(decision, details={"attested_by": agreement.by})
    said = agreement or Agreement()
    facts = await _facts(tx, organization_id, decision, said, address, keys=keys)
    if lacking := policy.missing_elements(decision, said, facts):
        raise WrittenConsentIncomplete(lacking)
    return replace(decision, details=policy.details_of(said, facts))


async def _facts(
    tx: Tx,
    organization_id: OrganizationId,
    decision: Decision,
    agreement: Agreement,
    address: tuple[str, bytes],
    *,
    keys: KeyRing,
) -> AgreementFacts:
    organization = await organization_in(tx, organization_id)
    version = decision.text_version or ""
    return AgreementFacts(
        organization_name=organization.name,
        is_number_the_address=_is_address(agreement.number, address, keys),
        is_text_published=bool(await wordings.of_versions(tx, [version])),
    )


def _is_address(number: str | None, address: tuple[str, bytes], keys: KeyRing) -> bool:
    channel, address_hash = Channel(address[0]), address[1]
    try:
        told = directory.canonical_address(channel, number or "")
    except InvalidAddress:
        return False
    return keys.address_hash(channel, told.value) == address_hash
