"""Reading a template without running it: its variables, and whether we offer what it uses."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from liquid import BoundTemplate, Environment, StrictUndefined
from liquid.exceptions import LiquidError

from handbell.platform.vocabulary import Channel
from handbell.templates.catalogue import allowed_for
from handbell.templates.errors import TemplateMalformed, TemplateSyntax, UnknownVariable
from handbell.templates.places import Place, place_in
from handbell.templates.types import HeaderFormat, TemplateBody, WhatsAppForm

_TAGS: Final = frozenset({"if", "unless"})
_FILTERS: Final = frozenset({"upcase", "downcase", "capitalize"})
_HTML: Final = Environment(undefined=StrictUndefined, autoescape=True)
_TEXT: Final = Environment(undefined=StrictUndefined)
_MARKUP: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_NO_INDEX: Final = -1


@lru_cache(maxsize=4096)
def compiled(source: str, *, html: bool) -> BoundTemplate:
    """Parse a source that `check` has accepted. The cache is shared by the process."""
    return (_HTML if html else _TEXT).from_string(source)


@lru_cache(maxsize=4096)
def names_in(source: str) -> Mapping[str, int]:
    """The variables of one part, on every branch, with the index where each stands first.

    Raises `TemplateSyntax`, whose place is in the part `body`.
    """
    try:
        found = compiled(source, html=False).analyze(include_partials=False)
    except LiquidError as why:
        place = place_in(source, _index_of(why, source), part="body")
        raise TemplateSyntax("The template cannot be parsed.", place) from why
    for offered, used in ((_TAGS, found.tags), (_FILTERS, found.filters)):
        for name in sorted(used.keys() - offered):
            place = place_in(source, used[name][0].index, part="body")
            raise TemplateSyntax("The template uses what we do not offer.", place, used=[name])
    return MappingProxyType(
        {name: min(one.span.index for one in uses) for name, uses in found.globals.items()}
    )


def _index_of(why: LiquidError, source: str) -> int:
    """Where parsing failed. The parser does not know it for an expression that ends too soon,
    nor for a tag that is never closed: then each expression is parsed alone."""
    token = why.token
    if token is not None and token.start_index != _NO_INDEX and token.source == source:
        return int(token.start_index)
    for markup in _MARKUP.finditer(source):
        try:
            _TEXT.from_string(markup.group())
        except LiquidError:
            return markup.start()
    return max(source.rfind("{%"), 0)


@lru_cache(maxsize=4096)
def variables_of(body: TemplateBody) -> frozenset[str]:
    """Give the names of the variables in every part of the text, on every branch."""
    return frozenset(name for _, source in body.sources() for name in names_in(source))


@lru_cache(maxsize=4096)
def check(body: TemplateBody) -> None:
    """Refuse a template that could not be rendered later.

    Raises `TemplateSyntax`, `UnknownVariable` or `TemplateMalformed`.
    """
    found = _places(body)
    unknown = {name: place for name, place in found.items() if name not in allowed(body)}
    if unknown:
        raise unknown_variables(unknown, known=allowed(body))
    if (body.subject is not None) != (body.channel is Channel.EMAIL):
        raise TemplateMalformed("An e-mail has a subject; nothing else has one.", part="subject")
    if body.preheader is not None and body.channel is not Channel.EMAIL:
        raise TemplateMalformed("Only an e-mail has a preheader.", part="preheader")
    if body.whatsapp is not None:
        _check_form(body, body.whatsapp)


def allowed(body: TemplateBody) -> frozenset[str]:
    """The names that this text may use."""
    return allowed_for(body.purpose)


def unknown_variables(
    names: Mapping[str, Place | None], *, known: Iterable[str]
) -> UnknownVariable:
    """The error for names that are not known, each with the known name that is nearest."""
    near = {name: get_close_matches(name, list(known), n=1) for name in names}
    return UnknownVariable(
        names, did_you_mean={name: found[0] for name, found in near.items() if found}
    )


def _places(body: TemplateBody) -> dict[str, Place]:
    """Where each variable stands first."""
    found: dict[str, Place] = {}
    for part, source in body.sources():
        try:
            names = names_in(source)
        except TemplateSyntax as why:
            place = Place(part, why.place.line, why.place.column)
            used = {"used": why.details["used"]} if "used" in why.details else {}
            raise TemplateSyntax(why.message, place, **used) from why
        for name, index in names.items():
            found.setdefault(name, place_in(source, index, part=part))
    return found


def _check_form(body: TemplateBody, form: WhatsAppForm) -> None:
    if body.channel is not Channel.WHATSAPP:
        raise TemplateMalformed(
            "Only a WhatsApp template has a registration with Meta.", part="whatsapp"
        )
    if sorted(form.parameters) != sorted(variables_of(body)):
        raise TemplateMalformed(
            "The parameters are not the variables of the text.", part="whatsapp.parameters"
        )
    header = form.header
    if header is not None:
        is_text = header.format is HeaderFormat.TEXT
        if (header.text is None) == is_text or (header.media_url is None) != is_text:
            raise TemplateMalformed(
                "A header has either a text or the address of its media.", part="whatsapp.header"
            )
