"""What can be wrong with a preference."""

from handbell.platform.errors import InvalidError, NotFoundError


class InvalidPreference(InvalidError):
    """A field's value means nothing we can schedule by; `field` names it."""

    code = "invalid_preference"


class PatientNotFound(NotFoundError):
    """No such patient in this organisation."""

    code = "patient_not_found"
