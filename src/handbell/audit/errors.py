"""What can be wrong with a question about the log."""

from handbell.platform.errors import NotFoundError


class SealedEntryNotFound(NotFoundError):
    """There is no such entry of this organisation, or it is not sealed yet."""

    code = "sealed_entry_not_found"
