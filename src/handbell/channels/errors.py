"""What can be wrong with a request about provider accounts and lines."""

from handbell.platform.errors import ConflictError, InvalidError, NotFoundError


class AccountNotFound(NotFoundError):
    """The organisation has no such account."""

    code = "provider_account_not_found"

    def __init__(self, account_id: int) -> None:
        super().__init__("There is no such provider account.", account_id=account_id)


class LineNotFound(NotFoundError):
    """The account has no such line."""

    code = "sender_line_not_found"

    def __init__(self, line_id: int) -> None:
        super().__init__("There is no such line.", line_id=line_id)


class AccountExists(ConflictError):
    """The organisation has this account already."""

    code = "provider_account_exists"

    def __init__(self, account_id: int) -> None:
        super().__init__(
            "The organisation has an account with this reference already: change that one.",
            account_id=account_id,
        )


class LineTaken(ConflictError):
    """A number or mailbox belongs to one organisation: answers to it are theirs."""

    code = "sender_line_taken"

    def __init__(self) -> None:
        super().__init__("This number or mailbox is in use already.", field="address")


class AccountOfEnvironment(ConflictError):
    """The account's credentials and lines stand in the environment of the installation."""

    code = "provider_account_of_environment"

    def __init__(self, account_id: int) -> None:
        super().__init__(
            "This account comes from the environment's variables and is changed there.",
            account_id=account_id,
        )


class InvalidLine(InvalidError):
    """The address is none that the provider could send from."""

    code = "sender_line_invalid"

    def __init__(self, field: str, wanted: str) -> None:
        super().__init__(f"A line of this provider has {wanted}.", field=field)


class NothingToLend(InvalidError):
    """The environment has no account with this provider."""

    code = "provider_account_nothing_to_lend"

    def __init__(self, provider: str) -> None:
        super().__init__(f"The environment names no account with {provider}.", provider=provider)


class CredentialsOfAnother(InvalidError):
    """The credentials are for another provider than the account's."""

    code = "provider_credentials_of_another"

    def __init__(self, provider: str) -> None:
        super().__init__(f"This account is with {provider}.", field="credentials")
