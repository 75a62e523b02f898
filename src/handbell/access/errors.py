"""Why a caller is not known."""

from handbell.platform.errors import UnauthenticatedError


class CredentialRefused(UnauthenticatedError):
    """The key or token is unknown, revoked, expired or malformed; which one is not said."""

    code = "credential_refused"

    def __init__(self) -> None:
        super().__init__("The key or token is not accepted.")
