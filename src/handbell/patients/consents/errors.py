"""What a decision about consent cannot be written to."""

from handbell.platform.errors import InvalidError
from handbell.platform.vocabulary import Channel


class NoSuchAddress(InvalidError):
    """The patient has no address on the channel, or not this one."""

    code = "no_such_address"

    def __init__(self, channel: Channel) -> None:
        super().__init__(
            "The patient has no such address on this channel.", field="channel", channel=channel
        )
