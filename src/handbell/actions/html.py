"""Pages as HTML: no script, one style that the policy names by its hash, values escaped."""

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from handbell.actions.types import Flaw, Page
from handbell.actions.wishes import HOURS, WISH_LENGTH
from handbell.actions.words import all_words

_PAGES: Final = Environment(
    loader=PackageLoader("handbell.actions", "pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_CSS: Final = (files("handbell.actions") / "pages" / "page.css").read_text("utf-8")
_CSS_HASH: Final = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()

FIELD_OF_FLAW: Final = {
    Flaw.NOT_SURE: "sure",
    Flaw.NO_YEAR: "year",
    Flaw.WRONG_YEAR: "year",
    Flaw.SLOT_TAKEN: "wish",
}
"""Where the patient mends it."""
OWN_NAMES: Final = {"en": "English", "es": "Español", "hi": "हिन्दी"}

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""The address of a page holds a token: it is not passed on, kept or indexed."""


def render(page: Page) -> str:
    """Give the whole document in the language of the page."""
    words = all_words()[page.language]
    name = page.kind.value
    return _PAGES.get_template("page.html").render(
        page=page,
        words=words,
        title=words[f"{name}_title"],
        text=words[f"{name}_text"].format(organization=page.organization_name),
        flaw=words[f"flaw_{page.flaw}"] if page.flaw else None,
        flaw_at=FIELD_OF_FLAW.get(page.flaw) if page.flaw else None,
        own_names=OWN_NAMES,
        css=Markup(_CSS),  # noqa: S704 - our own file, whose hash the policy names
        hours=HOURS,
        wish_length=WISH_LENGTH,
    )
