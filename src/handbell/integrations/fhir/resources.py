"""What we read of the resources, and nothing else.

Models of our own rather than those of fhir.resources: the strict model refuses a whole patient
for a field that we never look at, differs between R4, R4B and R5, and takes several times as
long. Here a field that cannot be read counts as not said, and its name goes to the caller by
the validation context. Sources: https://hl7.org/fhir/R4, with R5's names where they differ.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    WrapValidator,
)
from pydantic.alias_generators import to_camel

T = TypeVar("T")
Read = TypeVar("Read", bound=BaseModel)

ZONE_EXTENSION: Final = "http://hl7.org/fhir/StructureDefinition/timezone"


def _tell(info: ValidationInfo) -> None:
    if isinstance(info.context, list):
        info.context.append(info.field_name)


def _one(value: Any, read: Callable[[Any], Any], info: ValidationInfo) -> Any:
    """A value that cannot be read counts as not said."""
    if value in (None, ""):
        return None
    try:
        return read(value)
    except ValidationError:
        _tell(info)
        return None


def _many(value: Any, read: Callable[[Any], tuple[Any, ...]], info: ValidationInfo) -> Any:
    """What can be read of a list; a single value stands for a list of it."""
    items = value if isinstance(value, list | tuple) else [value]
    kept: list[Any] = []
    for item in items:
        try:
            kept.extend(read((item,)) if item not in (None, "") else ())
        except ValidationError:
            _tell(info)
    return tuple(kept)


def _clean(value: Any) -> Any:
    """The database cannot store NUL, and a name does not need it."""
    return value.replace("\x00", "").strip() if isinstance(value, str) else value


Maybe = Annotated[T | None, WrapValidator(_one)]
Many = Annotated[tuple[T, ...], WrapValidator(_many)]
Text = Annotated[str, BeforeValidator(_clean), Field(min_length=1, max_length=2000)]
Short = Annotated[str, BeforeValidator(_clean), Field(min_length=1, max_length=255)]


class Element(BaseModel):
    """A part of a resource. Fields that we do not know are ignored."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,
        coerce_numbers_to_str=True,
    )


class Coding(Element):
    system: Maybe[Short] = None
    code: Maybe[Short] = None


class Concept(Element):
    """A CodeableConcept; its text stays outside, because a diagnosis in words is not kept."""

    coding: Many[Coding] = ()


class LanguageConcept(Concept):
    text: Maybe[Short] = None


class Identifier(Element):
    system: Maybe[Short] = None
    value: Maybe[Short] = None


class Reference(Element):
    reference: Maybe[Text] = None
    type: Maybe[Short] = None
    identifier: Maybe[Identifier] = None


class Period(Element):
    start: Maybe[Short] = None
    end: Maybe[Short] = None


class HumanName(Element):
    use: Maybe[Short] = None
    text: Maybe[Short] = None
    family: Maybe[Short] = None
    given: Many[Short] = ()
    prefix: Many[Short] = ()
    period: Maybe[Period] = None


class ContactPoint(Element):
    system: Maybe[Short] = None
    value: Maybe[Short] = None
    use: Maybe[Short] = None
    period: Maybe[Period] = None


class Address(Element):
    use: Maybe[Short] = None
    line: Many[Text] = ()
    city: Maybe[Short] = None
    state: Maybe[Short] = None
    postal_code: Maybe[Short] = None
    country: Maybe[Short] = None
    period: Maybe[Period] = None


class Extension(Element):
    url: Maybe[Text] = None
    value_code: Maybe[Short] = None
    value_string: Maybe[Short] = None


class Communication(Element):
    language: Maybe[LanguageConcept] = None
    preferred: Maybe[bool] = None


class Meta(Element):
    last_updated: Maybe[Short] = None


class Resource(Element):
    """What every resource has. The metadata are no part of what it says."""

    meta: Maybe[Meta] = Field(default=None, exclude=True)
    identifier: Many[Identifier] = Field(default=(), exclude=True)
    extension: Many[Extension] = ()

    @property
    def zone(self) -> str | None:
        """The time zone that the standard extension names."""
        named = (one for one in self.extension if one.url == ZONE_EXTENSION)
        return next((one.value_code or one.value_string for one in named), None)


class Organization(Resource):
    name: Maybe[Short] = None
    type: Many[Concept] = ()
    telecom: Many[ContactPoint] = ()
    address: Many[Address] = ()


class Practitioner(Resource):
    name: Many[HumanName] = ()


class Location(Resource):
    name: Maybe[Short] = None
    type: Many[Concept] = ()
    telecom: Many[ContactPoint] = ()
    address: Maybe[Address] = None
    managing_organization: Maybe[Reference] = None


class Patient(Resource):
    active: Maybe[bool] = None
    name: Many[HumanName] = ()
    telecom: Many[ContactPoint] = ()
    birth_date: Maybe[Short] = None
    deceased_boolean: Maybe[bool] = None
    deceased_date_time: Maybe[Short] = None
    address: Many[Address] = ()
    communication: Many[Communication] = ()
    general_practitioner: Many[Reference] = ()


class Condition(Resource):
    clinical_status: Maybe[Concept] = None
    verification_status: Maybe[Concept] = None
    code: Maybe[Concept] = None
    subject: Maybe[Reference] = None
    onset_date_time: Maybe[Short] = None
    onset_period: Maybe[Period] = None
    recorded_date: Maybe[Short] = None


class Participant(Element):
    actor: Maybe[Reference] = None


class Appointment(Resource):
    """`subject` is R5's; in R4 the patient is a participant."""

    status: Maybe[Short] = None
    start: Maybe[Short] = None
    end: Maybe[Short] = None
    minutes_duration: Maybe[int] = None
    appointment_type: Maybe[Concept] = None
    participant: Many[Participant] = ()
    subject: Maybe[Reference] = None


def read_as(model: type[Read], body: Any) -> tuple[Read, bool]:
    """The resource, and whether every field that we look at could be read."""
    unread: list[str] = []
    return model.model_validate(body, context=unread), not unread
