"""What an organisation may not decide."""

from handbell.platform.errors import InvalidError


class ConsentIsRequired(InvalidError):
    """Marketing without recorded consent cannot be switched on (R7.8)."""

    code = "consent_is_required"

    def __init__(self) -> None:
        super().__init__(
            "Marketing always needs recorded consent.", field="marketing_consent_required"
        )


class InvalidSetting(InvalidError):
    """A setting's value means nothing we can use; `field` names it."""

    code = "invalid_setting"
