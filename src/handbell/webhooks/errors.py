"""Why a callback is not taken, and what an operator may ask for in vain."""

from handbell.platform.errors import (
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)


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


class QueueFull(UnavailableError):
    """Too many callbacks wait to be stored; the provider is asked to repeat it later."""

    code = "webhook_queue_full"

    def __init__(self) -> None:
        super().__init__("Too many callbacks wait to be stored.")


class RelayUnreadable(InvalidError):
    """A relay's request is signed, but does not say what the form asks for."""

    code = "relay_unreadable"

    def __init__(self, *fields: str) -> None:
        super().__init__("The relayed callback does not have the form that is described.")
        self.details = {"fields": sorted(fields)}


class DeadWebhookNotFound(NotFoundError):
    """No callback of this id was given up."""

    code = "dead_webhook_not_found"

    def __init__(self, delivery_id: int) -> None:
        super().__init__("No callback with this id was given up.", delivery_id=delivery_id)
