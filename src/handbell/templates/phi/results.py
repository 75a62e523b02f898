"""Patterns of what was measured or found: values with units, verdicts, codes of ICD-10."""

import re
from collections.abc import Iterator
from typing import Final

from handbell.templates.phi.reasons import PhiReason
from handbell.templates.phi.spelling import END, START

_UNIT: Final = (
    r"(?:mg/dl|g/dl|mmol(?:/l)?|mmhg|mm ?hg|ng/ml|pg/ml|u/l|iu/l|bpm|kg/m2|copies/ml|cells/mm3"
    r"|एमएमएचजी)"
)
_MEASURE: Final = (
    r"(?:hb ?a1c|a1c|bp|blood pressure|blood sugar|glucose|cholesterol|ldl|hdl|triglycerides"
    r"|tsh|psa|hemoglobin|haemoglobin|hb|inr|bmi|egfr|gfr|creatinine|viral load|cd4|oxygen"
    r"|spo2|platelets?|wbc|sugar|presi[oó]n(?: arterial)?|glucosa|az[uú]car|colesterol"
    r"|triglic[eé]ridos|hemoglobina|creatinina|carga viral|plaquetas|शुगर|बीपी|रक्तचाप"
    r"|कोलेस्ट्रॉल|हीमोग्लोबिन|ग्लूकोज|थायराइड)"
)
_VALUE: Final = re.compile(
    rf"\d\s?{_UNIT}{END}|\d\s?%? ?\(?a1c"
    rf"|{START}{_MEASURE}{END}[^.!?\n\u0964\d]{{0,25}}\d"
    r"|(?<![\d/])(?:[89]\d|1\d\d|2[0-3]\d)/(?:[4-9]\d|1[0-3]\d)(?![\d/])",
    re.IGNORECASE,
)
_SUBJECT: Final = (
    r"(?:tests?|tested|results?|labs?|screen(?:ing)?|biopsy|scans?|swab|culture|panel|x-?ray"
    r"|specimen|sample|bloodwork|blood work|levels?|mammogram|pap|reports?|came back|came out"
    r"|pruebas?|ex[aá]men(?:es)?|resultados?|an[aá]lisis|biopsia|niveles|sali[oó]|salieron"
    r"|muestra|cultivo|रिपोर्ट|जांच|जाँच|टेस्ट|नतीजे|नतीजा|परिणाम|स्तर|jaa?nch|natij[ae]|nateej[ae])"
)
_FOUND: Final = (
    r"(?:positive|negative|normal|abnormal|abnormality|benign|malignant|elevated|high|low"
    r"(?![- ]cost)|borderline|inconclusive|detected|reactive|out of range|positiv[oa]s?"
    r"|negativ[oa]s?|normales|anormal(?:es)?|elevad[oa]s?|alt[oa]s?|baj[oa]s|alterad[oa]s?|benign[oa]s?"
    r"|malign[oa]s?|पॉजिटिव|पॉज़िटिव|पाजिटिव|नेगेटिव|नॉर्मल|सामान्य|असामान्य|सकारात्मक"
    r"|नकारात्मक|धनात्मक|ऋणात्मक|बढ़ा|बढ़ा|बढ़ी|हाई|खराब|asamanya|samanya|kharaa?b|badh[aie])"
)
_SURVEY: Final = re.compile(
    r"[^.!?\n\u0964]*\b(?:survey|encuesta|water)\b[^.!?\n\u0964]*", re.IGNORECASE
)
"""Results and levels of something else than a patient."""
_VERDICT: Final = re.compile(
    rf"{START}{_SUBJECT}{END}[^.!?\n\u0964]{{0,45}}{START}{_FOUND}{END}"
    rf"|{START}{_FOUND}{END} (?:\w+ )?{_SUBJECT}{END}"
    r"|\b(?:tested|test(?:s|ing)?) (?:positive|negative)\b|\b(?:positive|negative|positiv[oa]"
    r"|negativ[oa]) (?:for|para|a|en) (?!you|us|change)\w",
    re.IGNORECASE,
)
_CODE: Final = re.compile(r"\b[A-TV-Z]\d[\dAB]\.\d{1,4}[A-Z]?\b")
_DOSE: Final = re.compile(
    rf"\d\s?(?:mg|mcg|µg|ml|iu|milligrams?|miligramos?|मिलीग्राम|मि\.?ग्रा|एमजी){END}",
    re.IGNORECASE,
)
_WEEKS: Final = re.compile(
    r"[\U0001f930\U0001f931\U0001fac3\U0001fac4\U0001f37c]"
    r"|\b(?:ya (?:son|tiene|va en)|cumple|lleva) \d{1,2} semanas\b"
    r"|\b\d{1,2}(?:th|nd|rd|st)?[ -]weeks? (?:along|pregnant|scan)\b|\bat \d{2} weeks\b",
    re.IGNORECASE,
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
    rest = _SURVEY.sub(" ", text)
    for reason, pattern in _PATTERNS:
        if pattern.search(rest):
            yield reason
