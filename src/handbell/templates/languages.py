"""Which language a patient gets when the wanted one is not written."""

from collections.abc import Collection
from typing import Final

LAST_RESORT: Final = "en"


def fallbacks(wanted: str | None, *, organization: str | None) -> tuple[str, ...]:
    """Give the languages to try in order: the patient's, its base, the organisation's, en."""
    tried = [*_with_base(wanted), *_with_base(organization), LAST_RESORT]
    return tuple(dict.fromkeys(tried))


def pick(
    available: Collection[str], *, wanted: str | None, organization: str | None
) -> str | None:
    """Give the first language that is available, or None if not even English is."""
    order = fallbacks(wanted, organization=organization)
    return next((language for language in order if language in available), None)


def _with_base(tag: str | None) -> tuple[str, ...]:
    if not tag:
        return ()
    language, *rest = tag.replace("_", "-").split("-")
    base = language.lower()
    return ("-".join([base, *rest]), base)
