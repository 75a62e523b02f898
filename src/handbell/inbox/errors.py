"""What can be wrong with a request about conversations."""

from collections.abc import Iterable

from handbell.platform.errors import ConflictError, InvalidError, NotFoundError


class ConversationNotFound(NotFoundError):
    """The organisation has no such conversation."""

    code = "conversation_not_found"

    def __init__(self, conversation_id: int) -> None:
        super().__init__("There is no such conversation.", conversation_id=conversation_id)


class SenderUnmatched(ConflictError):
    """Nobody has said yet which patient wrote, so that there is nobody to answer."""

    code = "sender_unmatched"

    def __init__(self, conversation_id: int) -> None:
        super().__init__("Say first which patient this is.", conversation_id=conversation_id)


class ConversationMatched(ConflictError):
    """The conversation is another patient's already."""

    code = "conversation_matched"

    def __init__(self, conversation_id: int) -> None:
        super().__init__("The conversation has its patient.", conversation_id=conversation_id)


class TextTooPrivate(InvalidError):
    """The text tells more than the channel may carry in clear."""

    code = "text_too_private"

    def __init__(self, findings: Iterable[str]) -> None:
        super().__init__(
            "This may not be sent in clear on this channel. Send it as a secure message.",
            findings=list(findings),
        )


class TimeZoneUnknown(InvalidError):
    """There is no such time zone."""

    code = "time_zone_unknown"

    def __init__(self) -> None:
        super().__init__("There is no such time zone.", field="timezone")


class EventMarkUnusable(InvalidError):
    """`Last-Event-ID` is not one that we gave."""

    code = "event_mark_unusable"

    def __init__(self) -> None:
        super().__init__("Last-Event-ID is not one that this stream gave.")


class TextTooLong(InvalidError):
    """The text takes more text messages than the organisation pays for."""

    code = "text_too_long"

    def __init__(self, max_segments: int) -> None:
        super().__init__(
            "The text is too long for this channel. Send it as a secure message.",
            max_segments=max_segments,
        )
