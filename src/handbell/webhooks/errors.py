"""Why a callback is not taken."""

from handbell.platform.errors import ForbiddenError, UnavailableError


class NotFromProvider(ForbiddenError):
    """The signature is missing or wrong, or we have no secret that would verify it."""

    code = "signature_invalid"

    def __init__(self) -> None:
        super().__init__("The request is not signed by the provider.")


class NotStored(UnavailableError):
    """The callback could not be stored; the provider is asked to repeat it."""

    code = "webhook_not_stored"

    def __init__(self) -> None:
        super().__init__("The callback could not be stored.")
