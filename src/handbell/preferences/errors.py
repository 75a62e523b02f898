"""What can be wrong with a preference."""

from handbell.platform.errors import ForbiddenError, InvalidError, NotFoundError


class InvalidPreference(InvalidError):
    """A field's value means nothing we can schedule by; `field` names it."""

    code = "invalid_preference"


class PatientNotFound(NotFoundError):
    """No such patient in this organisation."""

    code = "patient_not_found"


class ProviderNotFound(NotFoundError):
    """No such provider in this organisation."""

    code = "provider_not_found"


class NotForThisOrganization(ForbiddenError):
    """What holds for everybody is changed by the administrators of the first organisation, who
    run the installation."""

    code = "not_for_this_organization"

    def __init__(self) -> None:
        super().__init__("Only those who run the installation may change what holds for all.")
