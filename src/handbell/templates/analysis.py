"""Reading a template without running it: its variables, and whether we offer what it uses."""

from functools import lru_cache
from typing import Final

from liquid import BoundTemplate, Environment, StrictUndefined
from liquid.exceptions import LiquidError

from handbell.platform.vocabulary import Channel
from handbell.templates.catalogue import allowed_for
from handbell.templates.errors import TemplateMalformed, TemplateSyntax, UnknownVariable
from handbell.templates.types import TemplateBody

_TAGS: Final = frozenset({"if", "unless"})
_FILTERS: Final = frozenset({"upcase", "downcase", "capitalize"})
_HTML: Final = Environment(undefined=StrictUndefined, autoescape=True)
_TEXT: Final = Environment(undefined=StrictUndefined)


@lru_cache(maxsize=2048)
def compiled(source: str, *, html: bool) -> BoundTemplate:
    """Parse a source, or raise `TemplateSyntax`. The cache is shared by the process."""
    try:
        template = (_HTML if html else _TEXT).from_string(source)
        found = template.analyze(include_partials=False)
    except LiquidError as why:
        raise TemplateSyntax("The template cannot be parsed.") from why
    foreign = sorted((set(found.tags) - _TAGS) | (set(found.filters) - _FILTERS))
    if foreign:
        raise TemplateSyntax("The template uses what we do not offer.", used=foreign)
    return template


@lru_cache(maxsize=2048)
def _names_in(source: str) -> frozenset[str]:
    return frozenset(compiled(source, html=False).global_variables(include_partials=False))


def variables_of(body: TemplateBody) -> frozenset[str]:
    """Give the names of the variables in the text and the subject, on every branch."""
    return _names_in(body.body) | _names_in(body.subject or "")


def check(body: TemplateBody) -> None:
    """Refuse a template that could not be rendered later.

    Raises `TemplateSyntax`, `UnknownVariable` or `TemplateMalformed`.
    """
    unknown = variables_of(body) - allowed_for(body.purpose)
    if unknown:
        raise UnknownVariable(unknown)
    if (body.subject is not None) != (body.channel is Channel.EMAIL):
        raise TemplateMalformed("An e-mail has a subject; nothing else has one.")
    if body.whatsapp is None:
        return
    if body.channel is not Channel.WHATSAPP:
        raise TemplateMalformed("Only a WhatsApp template has a registration with Meta.")
    if sorted(body.whatsapp.parameters) != sorted(variables_of(body)):
        raise TemplateMalformed("The parameters are not the variables of the text.")
