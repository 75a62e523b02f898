"""What cannot be recorded as consent."""

from collections.abc import Iterable

from handbell.consent.types import Element
from handbell.platform.errors import ConflictError, InvalidError, NotFoundError


class GrantNeedsClass(InvalidError):
    """Nobody consents to everything: a grant names the class of messages."""

    code = "grant_needs_class"


class RegistrationCoversCareOnly(InvalidError):
    """An address given at registration is consent for care and for nothing else."""

    code = "registration_covers_care_only"


class DecisionInTheFuture(InvalidError):
    """A decision cannot have been made after we heard of it."""

    code = "decision_in_the_future"


class AddressNotFound(NotFoundError):
    """No such address in this organisation."""

    code = "address_not_found"


class WrittenConsentIncomplete(InvalidError):
    """Marketing by text needs a written agreement with all its elements; names those that are
    missing or say the wrong thing."""

    code = "written_consent_incomplete"

    def __init__(self, missing: Iterable[Element]) -> None:
        names = [one.value for one in missing]
        super().__init__(
            f"The written agreement lacks, or has wrong: {', '.join(names)}.", missing=names
        )


class RiskNamesNoClass(InvalidError):
    """The risk of unencrypted messages is acknowledged for the address, not for a class."""

    code = "risk_names_no_class"


class NeedsText(InvalidError):
    """What was acknowledged stands in a text: its version must be named."""

    code = "needs_text"


class WordingDiffers(ConflictError):
    """The version is published with other words; published words never change."""

    code = "wording_differs"
