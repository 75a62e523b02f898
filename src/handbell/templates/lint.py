"""What keeps a template from being published. All findings are given, not only the first."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from handbell.platform.vocabulary import CLASS_OF_PURPOSE, Channel, MessageClass
from handbell.templates import marketing, meta
from handbell.templates.analysis import check
from handbell.templates.catalogue import SAMPLES, samples_for
from handbell.templates.errors import (
    MissingVariable,
    TemplateMalformed,
    TemplateSyntax,
    UnknownVariable,
    UnusableLink,
)
from handbell.templates.findings import Finding, LintRule
from handbell.templates.levels import DisclosureLevel
from handbell.templates.phi import Verdict, classify
from handbell.templates.places import Place, place_in
from handbell.templates.policy import level_of
from handbell.templates.promotion import offer_in
from handbell.templates.reading import Reading, masked, reading_of
from handbell.templates.rendering import render
from handbell.templates.segments import size_of
from handbell.templates.types import (
    LinkButton,
    QuickReply,
    Rendered,
    TemplateBody,
    TemplateKind,
    TemplatePair,
)

MOST_CHARACTERS: Final = 1600
_SHORTENER: Final = re.compile(
    r"\b(?:bit\.ly|tinyurl\.com|t\.co|goo\.gl|ow\.ly|is\.gd|buff\.ly|rebrand\.ly|cutt\.ly"
    r"|rb\.gy|t\.ly|shorturl\.at|tiny\.cc|bl\.ink|s\.id|v\.gd|lnkd\.in)/",
    re.IGNORECASE,
)
_RESERVED: Final = (
    "YES|CANCEL|END|QUIT|UNSUBSCRIBE|STOPALL|START|UNSTOP|REVOKE|OPTOUT|SI|SÍ|CANCELAR"
)
_RESERVED_MENU_WORD: Final = re.compile(
    r"\b(?i:reply|text|send|answer|press|type|responda|conteste|env[ií]e|escriba)\b[^.!?\n]*?"
    rf"\b(?P<a>{_RESERVED})\b"
    rf"|\b(?P<b>{_RESERVED})\b\s*(?:=|->|(?i:to|for|para)\b|लिखें|लिखकर|भेजें|भेजकर|दबाएँ|दबाएं)"
    rf"|(?:हाँ|हां) के लिए [^.\u0964\n]*?\b(?P<c>{_RESERVED})\b"
)
_RESERVED_PAYLOADS: Final = frozenset(_RESERVED.split("|"))
_PROMOTES: Final = frozenset({MessageClass.MARKETING, MessageClass.RESEARCH})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a channel and an organisation allow. `ceiling` is the highest level of a text."""

    ceiling: DisclosureLevel
    max_segments: int


def lint(pair: TemplatePair, *, limits: Limits, now: datetime) -> tuple[Finding, ...]:
    """Say why the template may not be published; empty if it may.

    Length, level and reading ease are measured with the catalogue's samples. YES and CANCEL are
    carriers' words for opting in and out and cannot mean anything else.
    """
    found = list(_of_body(pair.full, limits))
    if pair.generic is not None:
        found += [
            Finding(one.rule, one.place.inside("generic"), one.message)
            for one in _of_body(pair.generic, limits)
        ]
    unreadable = {LintRule.SYNTAX, LintRule.MALFORMED, LintRule.UNKNOWN_VARIABLE}
    if not unreadable & {one.rule for one in found}:
        found += _of_level(pair, limits, now=now)
    return tuple(found)


def told_level(body: TemplateBody, *, now: datetime) -> DisclosureLevel:
    """How much the text tells: what its variables and its purpose tell, or its fixed words if
    those tell more. Raises what `render` raises."""
    return max(level_of(body), _verdict(body, now=now).level)


def reading_level(body: TemplateBody) -> Reading | None:
    """How hard the text is to read; None for a language without a measure."""
    return reading_of(_readable(body), language=body.language)


def _of_body(body: TemplateBody, limits: Limits) -> Iterator[Finding]:
    broken = tuple(_unreadable(body))
    if broken:
        yield from broken
        return
    yield from _of_size(body, limits)
    yield from _of_words(body)
    yield from _of_links(body)
    if body.whatsapp is not None:
        yield from meta.findings_of(body, body.whatsapp)
        yield from _of_buttons(body)
    if body.kind is TemplateKind.FULL:
        yield from _of_law(body)
    yield from _of_reading(body)


def _unreadable(body: TemplateBody) -> Iterator[Finding]:
    try:
        check(body)
        _sample(body)
    except UnknownVariable as why:
        for name, place in why.places.items():
            yield Finding(LintRule.UNKNOWN_VARIABLE, place or Place("body"), _unknown(name, why))
    except (TemplateSyntax, TemplateMalformed) as why:
        is_syntax = isinstance(why, TemplateSyntax)
        rule = LintRule.SYNTAX if is_syntax else LintRule.MALFORMED
        yield Finding(rule, why.place, why.message)
    except (MissingVariable, UnusableLink) as why:
        yield Finding(LintRule.MALFORMED, Place("body"), why.message)


def _unknown(name: str, why: UnknownVariable) -> str:
    near = why.did_you_mean.get(name)
    known = name in SAMPLES
    said = f"{name} is not offered for this purpose." if known else f"There is no variable {name}."
    return f"{said} Did you mean {near}?" if near and not known else said


def _sample(body: TemplateBody) -> Rendered:
    return render(body, samples_for(body.language), locale=body.language)


def _of_size(body: TemplateBody, limits: Limits) -> Iterator[Finding]:
    if body.channel is Channel.EMAIL:
        return
    text = _sample(body).text
    if len(text) > MOST_CHARACTERS:
        yield Finding(
            LintRule.TOO_LONG,
            Place("body"),
            f"With typical values it has {len(text)} characters; {MOST_CHARACTERS} may leave.",
        )
    segments = size_of(text).segments
    if body.channel is Channel.SMS and segments > limits.max_segments:
        yield Finding(
            LintRule.TOO_MANY_SEGMENTS,
            Place("body"),
            f"With typical values it takes {segments} segments; {limits.max_segments} are set.",
        )


def _of_words(body: TemplateBody) -> Iterator[Finding]:
    is_care = CLASS_OF_PURPOSE[body.purpose] not in _PROMOTES
    for part, source in body.sources():
        for rule, found, message in (
            (
                LintRule.PUBLIC_SHORTENER,
                _SHORTENER.search(source),
                "Carriers block public link shorteners; use a link of our own.",
            ),
            (
                LintRule.RESERVED_MENU_WORD,
                _RESERVED_MENU_WORD.search(source),
                "Carriers read this word as opting in or out; use 1, 2, 3 or C, R.",
            ),
            (
                LintRule.PROMOTIONAL,
                offer_in(source) if is_care else None,
                "This advertises: its purpose is campaign_education, with consent to marketing.",
            ),
        ):
            if found is not None:
                start = found.start(found.lastgroup) if found.lastgroup else found.start()
                yield Finding(rule, place_in(source, start, part=part), message)


def _of_links(body: TemplateBody) -> Iterator[Finding]:
    """An address in an e-mail that the sanitiser has taken away."""
    if body.channel is not Channel.EMAIL:
        return
    from handbell.templates import email

    if 'href=""' in email.sanitised(body.body):
        index = max(body.body.lower().find("href"), 0)
        yield Finding(
            LintRule.UNSAFE_LINK,
            place_in(body.body, index, part="body"),
            "A link is one link variable, tel: with a phone, or a fixed http(s) address.",
        )


def _of_buttons(body: TemplateBody) -> Iterator[Finding]:
    for no, button in enumerate(body.whatsapp.buttons if body.whatsapp else ()):
        place = Place(f"whatsapp.buttons.{no}")
        if isinstance(button, QuickReply) and button.payload.upper() in _RESERVED_PAYLOADS:
            yield Finding(
                LintRule.RESERVED_MENU_WORD,
                place,
                "This payload is read as opting in or out; use C, R or STOP.",
            )
        if isinstance(button, LinkButton) and _SHORTENER.search(button.url):
            yield Finding(LintRule.PUBLIC_SHORTENER, place, "This is a public link shortener.")


def _of_law(body: TemplateBody) -> Iterator[Finding]:
    for element in marketing.missing_elements(body):
        yield Finding(
            LintRule.ELEMENT_MISSING, Place("body"), f"It lacks a required part: {element.value}."
        )


def _of_reading(body: TemplateBody) -> Iterator[Finding]:
    read = reading_level(body)
    if read is not None and not read.is_easy:
        yield Finding(
            LintRule.READING_LEVEL,
            Place("body"),
            f"Too hard to read: {read.formula} is {read.value}, the limit {read.limit}.",
        )


def _readable(body: TemplateBody) -> str:
    if body.channel is not Channel.EMAIL:
        return body.body
    from handbell.templates import email

    return f"{body.subject}\n{email.plain_text(email.sanitised(body.body))}"


def _of_level(pair: TemplatePair, limits: Limits, *, now: datetime) -> Iterator[Finding]:
    verdict = _verdict(pair.full, now=now)
    if verdict.level is DisclosureLevel.L3:
        yield Finding(LintRule.LEAKS, Place("body"), _told(verdict))
    generic = pair.generic
    if generic is not None and told_level(generic, now=now) > DisclosureLevel.L0:
        yield Finding(LintRule.LEAKS, Place("generic.body"), _told(_verdict(generic, now=now)))
    level = max(level_of(pair.full), verdict.level)
    if limits.ceiling < level < DisclosureLevel.L3 and generic is None:
        yield Finding(
            LintRule.NO_SIBLING,
            Place("generic"),
            f"It tells {level.name}, the channel carries {limits.ceiling.name}:"
            " write a generic text for those who may not be told more.",
        )


def _verdict(body: TemplateBody, *, now: datetime) -> Verdict:
    """What the filter finds in the sample, in the preheader, which a mailbox shows too, and on
    the branches that the sample does not take."""
    samples = samples_for(body.language)
    text = "\n".join(
        [
            _sample(body).text,
            masked(body.preheader or ""),
            masked(_readable(body)) if "{%" in body.body else "",
        ]
    )
    return classify(text, language=body.language, now=now, known=(samples["organization_name"],))


def _told(verdict: Verdict) -> str:
    reasons = ", ".join(reason.value for reason in verdict.reasons) or "variables above L0"
    return f"It tells {verdict.level.name} in its own words: {reasons}."
