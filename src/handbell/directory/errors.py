"""What the directory cannot take."""

from handbell.platform.errors import InvalidError, NotFoundError


class InvalidAddress(InvalidError):
    """Not a number or mailbox that a message could be sent to; `reason` says why."""

    code = "invalid_address"


class InvalidZone(InvalidError):
    """The place's time zone is not an IANA zone."""

    code = "invalid_timezone"


class UnknownPatient(NotFoundError):
    """The source has not told us of this patient yet."""

    code = "unknown_patient"


class UnknownAppointment(NotFoundError):
    """The source has not told us of this appointment, and says too little to begin one."""

    code = "unknown_appointment"
