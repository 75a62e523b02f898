"""Patterns of what may be told on some channels: names, visit times, clinicians, notices."""

import re
from collections.abc import Iterator
from typing import Final

from handbell.templates.phi.identifiers import HINDI_MONTH
from handbell.templates.phi.reasons import PhiReason

_UPPER: Final = r"[A-ZÁÉÍÓÚÑ]"
_NAME: Final = rf"{_UPPER}[\w'\u2019-]+"
_DAY: Final = (
    r"(?:mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun|monday|tuesday|wednesday|thursday|friday"
    r"|saturday|sunday|lunes|martes|mi[eé]rcoles|jueves|viernes|s[aá]bado|domingo|lun|mi[eé]|jue"
    r"|vie|s[aá]b|dom|somvaa?r|mangalvaa?r|budhvaa?r|guruvaa?r|shukravaa?r|shanivaa?r|ravivaa?r"
    r"|today|tomorrow|tonight|hoy|ma[nñ]ana|kal|aaj|parso)"
)
_STREET: Final = re.compile(
    r"\b\d+\s+(?:[NSEW]\.? )?(?:[\w'.-]+ ){1,3}(?:St|Dr|Ave|Rd|Blvd|Ln|Pl|Ct)\b\.?"
)
_SENDER: Final = re.compile(r"^[^:\n]{2,48}:(?=\s)")
_NOT_A_NAME: Final = (
    r"(?!(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\w*\b|(?:Suite|Ste|Apt|Office|Appointment|Visit)\b)"
)
_CLINICIAN: Final = re.compile(
    rf"\b(?:Dr|Dra|DR|DRA|Prof)(?:\.\s?|\s){_NOT_A_NAME}{_NAME}"
    rf"|\b[Dd](?:octor|octora) {_NOT_A_NAME}{_NAME}|\b[Nn]urse(?: [Pp]ractitioner)? {_NAME}"
    rf"|\b(?:enfermer[oa]) {_NAME}|{_NAME},? (?:M\.?D|D\.?O|N\.?P|PA-C|DNP|R\.?N|LCSW|DDS|DPM)\b"
    r"|(?<!\w)(?:डॉ|डा|डाॅ)\.? ?[\u0900-\u097f]{2,}|\bdr\.? [a-z]{3,}"
)
_PLACE_WORD: Final = (
    r"(?:[Cc]linic|[Oo]ffice|[Ll]ocation|[Cc]ent(?:er|re)|[Bb]uilding|[Cc]ampus|[Bb]ranch"
    r"|[Ss]ite|[Hh]ospital|[Pp]avilion|[Tt]ower)"
)
_PLACE: Final = re.compile(
    rf"\b(?:at|to|in|from) (?:our|the) (?:{_NAME} ){{1,4}}{_PLACE_WORD}\b"
    rf"|\b(?:at|in) (?!Reply)(?:{_NAME} ){{1,3}}(?:Clinic|Hospital|Medical Cent(?:er|re)|Branch)\b"
    r"|\b(?:en|de) (?:nuestr[oa]|el|la|su) (?:cl[ií]nica|consultorio|sede|sucursal|oficina|centro"
    rf"|hospital) (?:de |del )?(?:la |el )?{_NAME}"
)
_SENTENCE: Final = re.compile(r"[^.!?\n\u0964]+")
_THING: Final = re.compile(
    r"(?<!\w)(?:results?|labs|lab report|test report|refills?|prescriptions?|rx|medications?"
    r"|medicines?|meds|statement|bill|invoice|referral|balance|payment|records|claim"
    r"|resultados?|recetas?|resurtidos?|medicamentos?|medicinas?|factura|estado de cuenta|pago"
    r"|saldo|रिपोर्ट|नतीजे|परिणाम|दवा|दवाई|दवाइयां|दवाइयाँ|दवाएं|पर्चा|पर्ची|बिल|भुगतान"
    r"|davaa?i?|dawaa?i?|dawaiyaa?n?|report|natij[ae]|nateej[ae]|parch[aei]|bhugtaa?n)(?!\w)",
    re.IGNORECASE,
)
_STATE: Final = re.compile(
    r"(?<!\w)(?:ready|available|due|in|back|posted|arrived|waiting|expir\w+|new|sent|pick ?up"
    r"|renew\w*|received|approved|run(?:s|ning)? (?:out|low)|list[oa]s?|disponibles?|vence\w*"
    r"|llegaron|lleg[oó]|nuev[oa]s?|recoger|renovar|toca|pendiente|तैयार|उपलब्ध|आ गई|आ गए|आ गयी"
    r"|आ चुकी|आ गया|खत्म|ख़त्म|ready|taiyaa?r|tayyaa?r|aa ga[yi]i?|aa chuki|khatm|khatam)(?!\w)",
    re.IGNORECASE,
)
_OWNED: Final = re.compile(
    r"(?<!\w)(?:your|you|we|a|una?|tu|tus|su|sus|ya|usted|आपकी|आपके|आपका|aapki|aapke|aapka|apki|apke"
    r"|apka)(?!\w)",
    re.IGNORECASE,
)
_ERRAND: Final = re.compile(
    r"(?<!\w)(?:bring|list of|carry|lista de|traiga|traer|lleve|tenga|साथ|लाएं|लाएँ|लेकर|saath|lekar"
    r"|laa?ye|layein|rates?|payment methods?|policy)(?!\w)",
    re.IGNORECASE,
)
_PHARMACY: Final = re.compile(
    r"(?<!\w)(?:(?:your|at the|su|en la) (?:[\w']+ )?(?:pharmacy|farmacia)|फार्मेसी|फ़ार्मेसी"
    r"|pharmacy (?:se|par|mein))(?!\w)",
    re.IGNORECASE,
)
_GREETED: Final = re.compile(
    rf"(?<!\w)(?i:hi|hello|hey|dear|hola|estimad[oa]|querid[oa]|buen(?:o|a)s (?:d[ií]as|tardes)|namaste|namaskar)"
    rf",? (?!There\b|All\b|Patient\b|Paciente\b|Everyone\b){_NAME}(?= ji\b|[,:!.\s-])"
    rf"|(?:^|[:.!] ){_NAME},(?= [a-z¿¡])|(?:नमस्ते|नमस्कार|प्रिय),? [\u0900-\u097f]{{2,}}(?: जी)?[,:! ]"
    r"|[\u0900-\u097f]{2,} जी\b"
)
_CLOCK: Final = re.compile(
    rf"(?<![\w:]){_DAY}(?!\w)|\b\d{{1,2}}[:.]\d{{2}}\b|\b\d{{1,2}} ?[ap]\.? ?m\b\.?"
    r"|\b\d{1,2}[/-]\d{1,2}(?:[/-]\d{2,4})?\b|\bbaje\b|बजे|सोमवार|मंगलवार|बुधवार|गुरुवार"
    r"|शुक्रवार|शनिवार|रविवार|कल|आज|परसों"
    rf"|\d (?:{HINDI_MONTH})"
    r"|\b\d{1,2}(?:st|nd|rd|th)?(?: de)? (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|ene"
    r"|abr|ago|dic)"
    r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2}\b",
    re.IGNORECASE,
)
_HOURS: Final = re.compile(
    r"(?<!\w)(?:open(?:s|ing)?|hours|closed?|answer(?:ed|s)?|repl(?:y|ies) (?:by|within)|responde(?:remos|r)|abiert[oa]s?|abrimos|horario|cerrad[oa]s?|cerramos|खुल[ाेी]"
    r"|बंद|khul[aei]|band|lines|phones)(?!\w)",
    re.IGNORECASE,
)


def find(text: str) -> Iterator[PhiReason]:
    """Give what tells less than a condition: who, where, when, or that something is ready.

    A clinician or a place in the sender's own name, before the first colon, is not counted.
    """
    bare = _STREET.sub(" ", text)
    body = _SENDER.sub("", bare)
    if _CLINICIAN.search(body):
        yield PhiReason.CLINICIAN
    if _PLACE.search(body):
        yield PhiReason.PLACE
    sentences = _SENTENCE.findall(bare)
    if _PHARMACY.search(bare) or any(_is_notice(one) for one in sentences):
        yield PhiReason.NOTICE
    if _GREETED.search(text):
        yield PhiReason.FIRST_NAME
    if any(_CLOCK.search(one) and not _HOURS.search(one) for one in sentences):
        yield PhiReason.VISIT_TIME


def _is_notice(sentence: str) -> bool:
    patterns = (_THING, _STATE, _OWNED)
    return all(one.search(sentence) for one in patterns) and not _ERRAND.search(sentence)
