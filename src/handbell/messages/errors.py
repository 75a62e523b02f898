"""What cannot be done with a message."""

from handbell.messages.types import Lifecycle, MessageId
from handbell.platform.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)


class MessageNotFound(NotFoundError):
    """There is no such message in the organisation."""

    code = "message_not_found"

    def __init__(self, message_id: int) -> None:
        super().__init__("There is no such message.", message_id=message_id)


class MessageAlreadyLeft(ConflictError):
    """The message can no longer be recalled: a provider may have it, or it has ended."""

    code = "message_already_left"

    def __init__(self, message_id: MessageId, lifecycle: Lifecycle) -> None:
        super().__init__(
            "The message can no longer be recalled.", message_id=message_id, lifecycle=lifecycle
        )


class UrgentRequiresProvider(ForbiddenError):
    """Urgent messages are for clinicians by a way of their own, which does not exist yet."""

    code = "urgent_requires_provider"

    def __init__(self) -> None:
        super().__init__("Urgent messages cannot be ordered here.")


class CampaignsNotAvailable(InvalidError):
    """No campaign exists that a message could belong to."""

    code = "campaigns_not_available"

    def __init__(self) -> None:
        super().__init__("There are no campaigns yet.", field="campaign_id")


class AppointmentNotFound(NotFoundError):
    """The patient has no such appointment."""

    code = "appointment_not_found"

    def __init__(self, appointment_id: int) -> None:
        super().__init__("The patient has no such appointment.", appointment_id=appointment_id)


class SendAtTooFar(InvalidError):
    """Nobody knows the rules of so distant a day."""

    code = "send_at_too_far"

    def __init__(self, *, days: int) -> None:
        super().__init__("The time lies too far ahead.", field="send_at", days=days)


class DeliveryPaused(UnavailableError):
    """Delivery is paused and takes no new orders until it goes on."""

    code = "delivery_paused"

    def __init__(self, pause_id: int) -> None:
        super().__init__(
            "Delivery is paused and takes no new orders; try again later.", pause_id=pause_id
        )
