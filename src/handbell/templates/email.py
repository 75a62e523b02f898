"""From an HTML fragment to the two parts of an e-mail."""

from html import escape
from typing import Final

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


def sanitised(fragment: str) -> str:
    """Keep plain formatting and links by http(s), mailto and tel; drop all else."""
    return nh3.clean(
        fragment,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "tel"},
    )


def document(fragment: str, *, language: str) -> str:
    """Wrap a fragment into a whole HTML document with its styles inlined."""
    page = (
        f'<!DOCTYPE html><html lang="{escape(language)}"><head><meta charset="utf-8">'
        f"<style>{_STYLE}</style></head><body>{fragment}</body></html>"
    )
    return css_inline.inline(page, load_remote_stylesheets=False)


def plain_text(fragment: str) -> str:
    """Give the fragment as text; a link shows its address, so that it still can be followed."""
    text: str = get_text(fragment, ParserConfig(display_links=True))
    lines = (line.rstrip() for line in text.strip().splitlines())
    return "\n".join(lines)
