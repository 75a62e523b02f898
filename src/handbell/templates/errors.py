"""Why a template cannot be saved or rendered. Details hold variable names, never values."""

from collections.abc import Iterable
from enum import StrEnum

from handbell.platform.errors import InvalidError, NotFoundError


class UnknownVariable(InvalidError):
    """The template uses a variable that the catalogue does not have for its purpose."""

    code = "template_unknown_variable"

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__("The template uses unknown variables.", variables=sorted(names))


class MissingVariable(InvalidError):
    """A variable of the template has no value, or a blank one."""

    code = "template_missing_variable"

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__("Variables of the template have no value.", variables=sorted(names))


class TemplateSyntax(InvalidError):
    """The text cannot be parsed, or uses a tag or filter that we do not offer."""

    code = "template_syntax"


class TemplateMalformed(InvalidError):
    """The parts do not fit together, as an e-mail without a subject."""

    code = "template_malformed"


class TemplateTooOpen(InvalidError):
    """The text tells more than the channel allows and there is no L0 sibling to send."""

    code = "template_too_open"


class TemplateLeaks(InvalidError):
    """The rendered text holds what SMS and WhatsApp must never carry."""

    code = "template_leaks"

    def __init__(self, reasons: Iterable[StrEnum]) -> None:
        super().__init__("The text holds protected information.", reasons=sorted(reasons))


class TemplateNotFound(NotFoundError):
    """There is no such template for this organisation."""

    code = "template_not_found"
