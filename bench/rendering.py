"""`python -m bench.rendering [--json FILE]`: filling in texts beside the bare library calls.

Product and floor in turn, five rounds, on the same texts; what they make is compared first.
The floor is Liquid's own rendering of parsed templates and Babel's two calls for date and time.
Seconds are of the processor, so that others on the machine count less.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import process_time
from typing import Final
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_skeleton, format_time
from liquid import BoundTemplate, Environment, StrictUndefined
from rich.console import Console

from handbell.channels.types import EmailContent
from handbell.platform.vocabulary import Channel, Purpose
from handbell.templates import email
from handbell.templates.service import library_texts, render, visit_date, visit_time
from handbell.templates.types import TemplateBody

ROUNDS: Final = 5
MESSAGES: Final = 300
"""Of each text in a round."""
ZONE: Final = ZoneInfo("America/New_York")
START: Final = datetime(2026, 12, 1, 14, 30, tzinfo=UTC)
LOCALES: Final = {"en": "en_US", "es": "es_US", "hi": "hi_IN"}
_PLAIN: Final = str.maketrans({"\u202f": " ", "\u00a0": " "})
VALUES: Final = {
    "organization_name": "Riverside Health",
    "phone": "212-555-0100",
    "postal_address": "1 Main St, Albany, NY 12207",
    "first_name": "Alexandra",
    "provider": "Dr. Sam Doe",
    "location": "Main Street",
    "confirm_link": "https://m.example.org/l/7Kq2xZ9a",
    "reschedule_link": "https://m.example.org/l/8Lr3yA0b",
    "unsubscribe_link": "https://m.example.org/u/9Ms4zB1c",
    "portal_link": "https://m.example.org/l/0Nt5aC2d",
}
_HTML: Final = Environment(undefined=StrictUndefined, autoescape=True)
_TEXT: Final = Environment(undefined=StrictUndefined)


@dataclass(frozen=True, slots=True)
class Bare:
    """One text with its parsed parts: subject and both parts of an e-mail, or the text."""

    body: TemplateBody
    texts: tuple[BoundTemplate, ...]
    html: BoundTemplate | None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.rendering", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    json_file: Path | None = parser.parse_args().json
    load_before = os.getloadavg()[0]
    bare = [_bare(body) for body in _bodies()]
    _compare(bare)
    figures = {"load_before": load_before, "rounds": ROUNDS, "scenarios": _measure(bare)}
    Console().print_json(data=figures)
    if json_file is not None:
        json_file.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def _bodies() -> list[TemplateBody]:
    """Reminders of every channel and language."""
    return [pair.full for pair in library_texts() if pair.full.purpose is Purpose.APPT_REMINDER]


def _bare(body: TemplateBody) -> Bare:
    if body.channel is not Channel.EMAIL:
        return Bare(body, (_TEXT.from_string(body.body),), None)
    source = email.prepared(body.body, preheader=body.preheader, language=body.language)
    texts = (_TEXT.from_string(body.subject or ""), _TEXT.from_string(source.text))
    return Bare(body, texts, _HTML.from_string(source.html))


def _compare(bare: Iterable[Bare]) -> None:
    """Both make the same of every text, or there is nothing to measure."""
    for one in bare:
        if _product(one, START) != _floor(one, START):
            sys.exit(f"The outcomes differ: {one.body.channel}, {one.body.language}.")


def _product(one: Bare, at: datetime) -> tuple[str, ...]:
    language = one.body.language
    values = {
        **VALUES,
        "appt_date": visit_date(at, zone=ZONE, locale=language),
        "appt_time": visit_time(at, zone=ZONE, locale=language),
    }
    made = render(one.body, values, locale=language)
    if isinstance(made.content, EmailContent):
        return made.content.subject, made.content.text, made.content.html
    return (made.text,)


def _floor(one: Bare, at: datetime) -> tuple[str, ...]:
    locale, local = Locale.parse(LOCALES[one.body.language]), at.astimezone(ZONE)
    values = {
        **VALUES,
        "appt_date": format_skeleton("MMMEd", local, locale=locale).translate(_PLAIN),
        "appt_time": format_time(local, "short", locale=locale).translate(_PLAIN),
    }
    made = tuple(text.render(**values) for text in one.texts)
    return made if one.html is None else (*made, one.html.render(**values))


def _measure(bare: list[Bare]) -> dict[str, dict[str, float]]:
    return {
        channel.value: _ratio([one for one in bare if one.body.channel is channel])
        for channel in Channel
    } | {"all": _ratio(bare)}


def _ratio(bare: list[Bare]) -> dict[str, float]:
    """Product by floor, the middle one of the rounds; above 1 the product is faster."""
    rounds = [(_rate(_product, bare), _rate(_floor, bare)) for _ in range(ROUNDS)]
    ratios = [product / floor for product, floor in rounds]
    return {
        "product_per_second": round(median(product for product, _ in rounds)),
        "floor_per_second": round(median(floor for _, floor in rounds)),
        "ratio": round(median(ratios), 2),
        "lowest_ratio": round(min(ratios), 2),
        "highest_ratio": round(max(ratios), 2),
    }


def _rate(make: Callable[[Bare, datetime], object], bare: list[Bare]) -> float:
    began = process_time()
    for number in range(MESSAGES):
        at = START + timedelta(minutes=15 * number)
        for one in bare:
            make(one, at)
    return MESSAGES * len(bare) / (process_time() - began)


if __name__ == "__main__":
    sys.exit(main())
