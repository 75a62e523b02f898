"""From an HTML fragment with variables to the sources of the two parts of an e-mail.

All that does not depend on the values is done once per template: the result still holds the
variables, and filling them in with HTML escaping keeps it safe.
"""

import re
from functools import lru_cache
from html import escape
from typing import Final, NamedTuple

import css_inline
import nh3
from inscriptis import get_text
from inscriptis.model.config import ParserConfig

_TAGS: Final = {"a", "p", "br", "strong", "em", "ul", "ol", "li", "h1", "h2", "div", "span"}
_ATTRIBUTES: Final = {"a": {"href", "class"}, "p": {"class"}, "div": {"class"}, "span": {"class"}}
_STYLE: Final = """
body { font-family: Arial, Helvetica, sans-serif; font-size: 16px; line-height: 1.5;
  color: #1f2933; }
a { color: #0b5394; }
a.button { display: inline-block; padding: 12px 20px; margin: 4px 0; border-radius: 4px;
  background-color: #0b5394; color: #ffffff; text-decoration: none; }
p.footer { font-size: 13px; color: #52606d; }
"""
_HIDDEN: Final = (
    "display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;overflow:hidden"
)
_HREF: Final = re.compile(r'href="([^"]*)"')
_ONE_LINK: Final = re.compile(r"\s*\{\{\s*\w+_link\s*\}\}\s*")
_LITERAL: Final = re.compile(r"(?:https?|mailto|tel):[^{}]*|tel:\s*\{\{\s*(?:\w+_)?phone\s*\}\}")


class EmailSource(NamedTuple):
    """Sources of the whole HTML document and of the text part."""

    html: str
    text: str


@lru_cache(maxsize=1024)
def prepared(fragment: str, *, preheader: str | None, language: str) -> EmailSource:
    """Sanitise the author's fragment, inline the styles and derive the text part."""
    clean = sanitised(fragment)
    return EmailSource(
        html=document(clean, language=language, preheader=preheader), text=plain_text(clean)
    )


@lru_cache(maxsize=1024)
def sanitised(fragment: str) -> str:
    """Keep plain formatting and links by http(s), mailto and tel; drop all else.

    An address may hold one variable: a link alone, or a phone number after `tel:`. What else
    it holds is dropped, for a value could make it a script.
    """
    clean = nh3.clean(
        fragment,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel=None,
    )
    return _HREF.sub(_safe_href, clean)


def _safe_href(found: re.Match[str]) -> str:
    address = found.group(1)
    is_safe = _ONE_LINK.fullmatch(address) or _LITERAL.fullmatch(address)
    return f'href="{address}"' if is_safe else 'href=""'


def document(fragment: str, *, language: str, preheader: str | None = None) -> str:
    """Wrap a fragment into a whole HTML document with its styles inlined."""
    hidden = f'<div style="{_HIDDEN}">{escape(preheader)}</div>' if preheader else ""
    page = (
        f'<!DOCTYPE html><html lang="{escape(language)}"><head><meta charset="utf-8">'
        f"<style>{_STYLE}</style></head><body>{hidden}{fragment}</body></html>"
    )
    return css_inline.inline(page, load_remote_stylesheets=False)


def plain_text(fragment: str) -> str:
    """Give the fragment as text; a link shows its address, so that it still can be followed."""
    text: str = get_text(fragment, ParserConfig(display_links=True))
    lines = (line.rstrip() for line in text.strip().splitlines())
    return "\n".join(lines)
