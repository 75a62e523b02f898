"""What changed between two texts, part by part, as a reader of code knows it."""

import json
from dataclasses import asdict
from difflib import unified_diff

from handbell.templates.types import TemplateBody, TemplatePair


def diff(old: TemplatePair, new: TemplatePair) -> dict[str, str]:
    """A unified diff for each part that differs; equal texts give an empty answer."""
    before, after = _parts(old), _parts(new)
    found = {
        part: _unified(before.get(part, ""), after.get(part, ""))
        for part in sorted(before.keys() | after.keys())
    }
    return {part: lines for part, lines in found.items() if lines}


def _unified(old: str, new: str) -> str:
    return "\n".join(
        unified_diff(old.splitlines(), new.splitlines(), "old", "new", n=1, lineterm="")
    )


def _parts(pair: TemplatePair) -> dict[str, str]:
    parts = _parts_of(pair.full)
    if pair.generic is not None:
        parts |= {f"generic.{name}": text for name, text in _parts_of(pair.generic).items()}
    return parts


def _parts_of(body: TemplateBody) -> dict[str, str]:
    parts = dict(body.sources())
    if body.whatsapp is not None:
        parts["whatsapp"] = json.dumps(asdict(body.whatsapp), indent=1, ensure_ascii=False)
    return parts
