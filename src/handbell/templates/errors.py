"""Why a template cannot be saved, published or rendered. Details hold names of variables and
places in the text, never values of a patient."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from handbell.platform.errors import ConflictError, InvalidError, NotFoundError
from handbell.templates.places import Place


class UnknownVariable(InvalidError):
    """The template uses a variable that the catalogue does not have for its purpose.

    `places` says where each stands first, `did_you_mean` which known name is close to it.
    """

    code = "template_unknown_variable"

    def __init__(
        self, names: Mapping[str, Place | None], *, did_you_mean: Mapping[str, str] | None = None
    ) -> None:
        self.places = dict(names)
        self.did_you_mean = dict(did_you_mean or {})
        super().__init__(
            "The template uses unknown variables.",
            variables=sorted(names),
            places={name: place.to_details() for name, place in names.items() if place},
            did_you_mean=self.did_you_mean,
        )


class MissingVariable(InvalidError):
    """A variable of the template has no value, or a blank one."""

    code = "template_missing_variable"

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__("Variables of the template have no value.", variables=sorted(names))


class UnusableLink(InvalidError):
    """The value of a link is no http(s) address."""

    code = "template_unusable_link"

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__("A link is no web address.", variables=sorted(names))


class TemplateSyntax(InvalidError):
    """The text cannot be parsed, or uses a tag or filter that we do not offer."""

    code = "template_syntax"

    def __init__(self, message: str, place: Place, **details: object) -> None:
        self.place = place
        super().__init__(message, place=place.to_details(), **details)


class TemplateMalformed(InvalidError):
    """The parts do not fit together, as an e-mail without a subject."""

    code = "template_malformed"

    def __init__(self, message: str, *, part: str) -> None:
        self.place = Place(part)
        super().__init__(message, part=part)


class TemplateTooOpen(InvalidError):
    """The text tells more than the channel allows and there is no L0 sibling to send."""

    code = "template_too_open"


class TemplateLeaks(InvalidError):
    """The rendered text holds what SMS and WhatsApp must never carry."""

    code = "template_leaks"

    def __init__(self, reasons: Iterable[StrEnum]) -> None:
        super().__init__("The text holds protected information.", reasons=sorted(reasons))


class TemplateNotPublishable(InvalidError):
    """The template breaks rules; `findings` names each with its place."""

    code = "template_not_publishable"

    def __init__(self, findings: Iterable[Mapping[str, object]]) -> None:
        super().__init__("The template breaks rules.", findings=[dict(one) for one in findings])


class TemplateNotFound(NotFoundError):
    """There is no such template for this organisation."""

    code = "template_not_found"


class TemplateVersionNotFound(NotFoundError):
    """The template has no such version."""

    code = "template_version_not_found"


class TemplateOfLibrary(ConflictError):
    """The library's texts belong to everybody: write one of your own for the same place."""

    code = "template_of_library"


class TemplateArchived(ConflictError):
    """An archived template is neither edited nor published."""

    code = "template_archived"


class NothingToPublish(ConflictError):
    """The template has no draft."""

    code = "template_nothing_to_publish"


class ProviderUnknown(NotFoundError):
    """There is no such clinician in this organisation."""

    code = "provider_not_found"
