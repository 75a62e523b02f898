"""What a text looks like when it is filled in, how long it is and what it costs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from handbell.channels.types import EmailContent
from handbell.platform.vocabulary import Channel
from handbell.templates.catalogue import samples_for
from handbell.templates.lint import reading_level, told_level
from handbell.templates.prices.service import cost_of
from handbell.templates.prices.types import Price
from handbell.templates.reading import Reading
from handbell.templates.rendering import render
from handbell.templates.segments import Encoding, size_of
from handbell.templates.types import Rendered, TemplateBody, TemplatePair


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One finished text. `segments` and `encoding` are of an SMS; `cost` is null where no price
    is known; `reading` is null for a language without a measure."""

    subject: str | None
    html: str | None
    text: str
    characters: int
    encoding: Encoding | None
    segments: int | None
    cost: Decimal | None
    currency: str | None
    level: int
    reading: Reading | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The text and, where there is one, its generic sibling."""

    full: Shown
    generic: Shown | None


Fill = Callable[[TemplateBody], Rendered]
"""Fills in a text. Raises what `render` raises."""


def with_samples(body: TemplateBody) -> Rendered:
    """The text with the catalogue's samples."""
    return render(body, samples_for(body.language), locale=body.language)


def preview(pair: TemplatePair, fill: Fill, prices: Iterable[Price], *, now: datetime) -> Preview:
    """Show both texts of a pair."""
    known = list(prices)
    generic = pair.generic
    return Preview(
        full=_shown(pair.full, fill, known, now=now),
        generic=None if generic is None else _shown(generic, fill, known, now=now),
    )


def _shown(body: TemplateBody, fill: Fill, prices: list[Price], *, now: datetime) -> Shown:
    made = fill(body)
    mail = made.content if isinstance(made.content, EmailContent) else None
    text = mail.text if mail else made.text
    size = size_of(text) if body.channel is Channel.SMS else None
    cost = cost_of(body, text, prices, on=now.date())
    return Shown(
        subject=mail.subject if mail else None,
        html=mail.html if mail else None,
        text=text,
        characters=len(text),
        encoding=size.encoding if size else None,
        segments=size.segments if size else None,
        cost=cost.amount if cost else None,
        currency=cost.currency if cost else None,
        level=int(told_level(body, now=now)),
        reading=reading_level(body),
    )
