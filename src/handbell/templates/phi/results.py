"""Patterns of what was measured or found: values with units, verdicts, codes of ICD-10."""

import re
from collections.abc import Iterator
from typing import Final

from handbell.templates.phi.lists import alternatives, read
from handbell.templates.phi.reasons import PhiReason
from handbell.templates.phi.spelling import END, START, plain

_WITHIN: Final = r"[^.!?\n\u0964]"
"""Up to the end of a sentence."""


_HARMLESS: Final = re.compile(
    rf"{START}(?:{'|'.join(alternatives('harmless', key) for key in read('harmless'))}){END}"
)


def _one_of(key: str) -> str:
    return rf"{START}(?:{alternatives('measures', key)}){END}"


_NO_TIME: Final = rf"(?!\d{{1,2}}(?::\d\d|\s?[ap]\.?m\b|\s?(?:baje|बजे|o.clock){END}))"
_VALUE: Final = re.compile(
    rf"\d\s?(?:{alternatives('measures', 'units')}){END}|\d\s?%? ?\(?a1c"
    rf"|{_one_of('measures')}[^.!?\n\u0964\d]{{0,25}}{_NO_TIME}\d"
    r"|(?<![\d/])(?:[89]\d|1\d\d|2[0-3]\d)(?:/| over | sobre | by )(?:[4-9]\d|1[0-3]\d)(?![\d/])"
)
_SURVEY: Final = re.compile(
    rf"{_WITHIN}*\b(?:survey|encuesta|water|parking|agua|(?:normal|regular) (?:\w+ )?(?:hours"
    rf"|schedule)"
    rf"|horarios? (?:normal|regular)(?:es)?){END}{_WITHIN}*"
)
"""Results and levels of something else than a patient."""
_VERDICT: Final = re.compile(
    rf"(?:{_one_of('subjects')}|{_one_of('measures')}){_WITHIN}{{0,45}}{_one_of('found')}"
    rf"|{_one_of('found')} (?!cost)(?:\w+ )?(?:{_one_of('subjects')}|{_one_of('measures')})"
    rf"|(?:{_one_of('surely')}|{_one_of('measures')}){_WITHIN}{{0,25}}{_one_of('fair')}"
    r"|\b(?:tested|test(?:s|ing)?) (?:positive|negative)\b|\b(?:positive|negative|positiv[oa]"
    r"|negativ[oa]) (?:for|para|a|en) (?!you|us|change)\w"
)
_CODE: Final = re.compile(
    r"\b[a-tv-z]\d[\dab]\.\d{1,4}[a-z]?\b"
    r"|\b(?:icd|dx|cpt|hcpcs)(?:[ -]?10)?(?: code)?[ :#]{1,2}[a-z]?\d{2,5}\b"
)
_DOSE: Final = re.compile(
    rf"\d\s?(?:mg|mcg|µg|μg|ml|iu|milligrams?|miligramos?|{plain('मिलीग्राम')}|{plain('एमजी')}"
    rf"|{plain('मि.ग्रा')}|units? (?:of|at|before|every|twice)|unidades (?:de|antes)|puffs?){END}"
)
_WEEKS: Final = re.compile(
    r"[\U0001f930\U0001f931\U0001fac3\U0001fac4\U0001f37c]"
    r"|\b(?:ya (?:son|tiene|va en)|cumple|lleva) \d{1,2} semanas\b"
    r"|\b\d{1,2}(?:th|nd|rd|st)?[ -]weeks? (?:along|pregnant|scan|ultrasound|visit)\b"
    r"|\bat \d{2} weeks\b|\b\d{1,2} weeks? (?:now|today)\b"
    r"|\bsemana \d{1,2} del? (?:embarazo|gestaci)|\bva en la semana \d"
)
"""A pregnancy told by its weeks, or by the signs for it."""
_PATTERNS: Final = (
    (PhiReason.CONDITION, _WEEKS),
    (PhiReason.RESULT, _VALUE),
    (PhiReason.RESULT, _VERDICT),
    (PhiReason.CONDITION, _CODE),
    (PhiReason.DRUG, _DOSE),
)


def find(text: str) -> Iterator[PhiReason]:
    """Give each kind of finding in the text."""
    rest = _SURVEY.sub(" ", _HARMLESS.sub(" ", plain(text)))
    for reason, pattern in _PATTERNS:
        if pattern.search(rest):
            yield reason
