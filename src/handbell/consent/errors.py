"""What cannot be recorded as consent."""

from handbell.platform.errors import InvalidError, NotFoundError


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
