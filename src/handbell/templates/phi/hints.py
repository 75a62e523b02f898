"""Patterns of what may be told on some channels: names, visit times, clinicians, notices."""

import re
from collections.abc import Iterator
from typing import Final

from handbell.templates.phi.identifiers import HINDI_MONTH
from handbell.templates.phi.lists import as_written
from handbell.templates.phi.places import without_places
from handbell.templates.phi.reasons import PhiReason
from handbell.templates.phi.spelling import END, START

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
    rf"|{START}(?:डॉ|डा|डाॅ)(?:\. ?| )[\u0900-\u097f]{{2,}}|\bdr\.? [a-z]{{3,}}"
    rf"|\b(?:Lic|Enf|Psic|Nutr|QFB|Mtra?|Ing)\.?(?: en [a-zéíóúñ]+)? {_NAME}"
    rf"|\b(?:{as_written('people', 'staff')})"
    rf" (?!(?:{as_written('people', 'not_a_name')})\b){_NAME}"
    rf"|\b{_NAME} (?:sister|nurse|doctor|mam|maam|madam|sir) (?:ne|se|ko|aaj|aapko)\b"
    rf"|{START}(?:{as_written('people', 'hindi_staff')})"
    rf" (?!(?:{as_written('people', 'hindi_no_name')}){END})[\u0900-\u0963]{{3,}}"
    rf"(?= (?:{as_written('people', 'hindi_after_name')}){END})"
)
_PLACE_WORD: Final = (
    r"(?:[Cc]linic|[Oo]ffice|[Ll]ocation|[Cc]ent(?:er|re)|[Bb]uilding|[Cc]ampus|[Bb]ranch"
    r"|[Ss]ite|[Hh]ospital|[Pp]avilion|[Tt]ower)"
)
_PLACE: Final = re.compile(
    rf"\b(?:at|to|in|from) (?:our|the) (?:{_NAME} ){{1,4}}{_PLACE_WORD}\b"
    rf"|\b(?:at|in) (?!Reply)(?:{_NAME} ){{1,3}}(?:Clinic|Hospital|Medical Cent(?:er|re)|Branch)\b"
    r"|\b(?:en|de|a) (?:nuestr[oa]|el|la|su) (?:cl[ií]nica|consultorio|sede|sucursal|oficina"
    r"|centro"
    rf"|hospital) (?:de |del )?(?:la |el )?{_NAME}"
    r"|\b(?:(?:en|a|de) (?:el |la |nuestr[oa] )|(?:al|del) )"
    rf"(?:{as_written('people', 'spanish_buildings')})(?: (?:de|del|la|los|el|las))* {_NAME}"
    rf"|\b(?:en|a) (?:la |el )?(?:sede|sucursal|cl[ií]nica|consultorio|oficina) (?:del? )?"
    rf"(?:la |el )?{_NAME}"
    rf"|\b(?!(?:{as_written('people', 'romanised_no_name')})\b){_NAME}(?: {_NAME})?"
    rf"(?: (?:wali|wale|vali|ki|ke))? (?:{as_written('people', 'romanised_buildings')})"
    r" (?:par|pe|mein|me|aaiye|aana|aayen|aa jaiye|pahunch)"
    rf"|{START}(?!(?:{as_written('people', 'hindi_no_place')}){END})[\u0900-\u0963]{{3,}}"
    rf"(?: (?:वाली|वाले|की|के))? (?:{as_written('people', 'hindi_buildings')}),?"
    r"(?: (?!की ओर|बंद|खुल)[\u0900-\u097f0-9]+){0,4}? "
    rf"(?:पर|में|आना|आइए|आएं|आएँ|पहुंच\S*|पहुँच\S*|आ जाइए|आ जाएं){END}"
    r"|\b(?i:visit|appointment|appt|see you)\b[^.!?\n]{0,30}\bat \d+ (?:[NSEW]\.? )?"
    rf"(?:{_NAME} ){{1,3}}(?:St|Ave|Rd|Blvd|Ln|Dr|Ct|Pl|Pkwy|Hwy|Street|Avenue|Road|Boulevard"
    r"|Lane|Drive|Way|Court|Place)\b"
    r"|\b(?i:cita|visita|consulta)\b[^.!?\n]{0,30}\ben (?:la |el )?"
    rf"(?i:calle|avenida|av\.|calzada|bulevar|blvd|paseo|carretera|camino) {_NAME}"
    r"|(?:मुलाक़ात|मुलाकात|अपॉइंटमेंट|विज़िट|विजिट)[^.!?\n\u0964]{0,40}"
    r"(?:एवेन्यू|रोड|मार्ग|स्ट्रीट|गली|नगर|चौक)"
)
_SENTENCE: Final = re.compile(r"[^.!?\n\u0964]+")
_THING: Final = re.compile(
    rf"{START}(?:results?|labs|lab report|test report|refills?|prescriptions?|rx|medications?"
    r"|medicines?|meds|statement|bill|invoice|referral|balance|payment|claim"
    r"|resultados?|recetas?|resurtidos?|medicamentos?|medicinas?|factura|estado de cuenta|pago"
    r"|saldo|रिपोर्ट|नतीजे|परिणाम|दवा|दवाई|दवाइयां|दवाइयाँ|दवाएं|पर्चा|पर्ची|बिल|भुगतान"
    rf"|davaa?i?|dawaa?i?|dawaiyaa?n?|report|natij[ae]|nateej[ae]|parch[aei]|bhugtaa?n){END}",
    re.IGNORECASE,
)
_STATE: Final = re.compile(
    rf"{START}(?:ready|available|due|in|back|posted|arrived|waiting|expir\w+|new|sent|pick ?up"
    r"|renew\w*|received|approved|run(?:s|ning)? (?:out|low)|list[oa]s?|disponibles?|vence\w*"
    r"|llegaron|lleg[oó]|ya est[aá]n?|salieron|surtid[oa]s?|nuev[oa]s?|recoger|renovar|toca"
    r"|pendiente|तैयार|उपलब्ध|आ गई|आ गए|आ गयी"
    rf"|आ चुकी|आ गया|खत्म|ख़त्म|ready|taiyaa?r|tayyaa?r|aa ga[yi]i?|aa chuki|khatm|khatam){END}",
    re.IGNORECASE,
)
_OWNED: Final = re.compile(
    rf"{START}(?:your|you|we|a|una?|tu|tus|su|sus|ya|usted|आपकी|आपके|आपका|aapki|aapke|aapka|apki"
    rf"|apke"
    rf"|apka){END}",
    re.IGNORECASE,
)
_ERRAND: Final = re.compile(
    rf"{START}(?:bring|list of|carry|lista de|traiga|traer|lleve|tenga|साथ|लाएं|लाएँ|लेकर|saath"
    rf"|lekar"
    rf"|laa?ye|layein|rates?|payment methods?|policy){END}",
    re.IGNORECASE,
)
_PHARMACY: Final = re.compile(
    rf"{START}(?:(?:your|at the|su|en la) (?:[\w']+ )?(?:pharmacy|farmacia)|फार्मेसी|फ़ार्मेसी"
    rf"|pharmacy (?:se|par|mein)){END}",
    re.IGNORECASE,
)
_NAMED_PHARMACY: Final = re.compile(
    rf"\b[Ff]armacia {_NAME}|{_NAME} (?:Pharmacy|Drugs?|Drugstore|Chemists?)\b"
)
_TITLED: Final = re.compile(
    rf"\b(?:Mr|Mrs|Ms|Miss|Mx|Sr|Sra|Srta|Shri|Smt|Señora?|Señorita|Mister|Missus)\.? {_NAME}"
    rf"|{START}(?:श्री|श्रीमती) (?!जी)[\u0900-\u097f]{{2,}}"
)
_DUE: Final = re.compile(
    rf"{START}(?:refill|prescription|statement|bill|receta|resurtido|factura|दवा|दवाई|दवाइयां"
    rf"|रिपोर्ट|बिल|dawaa?i?|davaa?i?|report){END}[^.!?\u0964]{{0,30}}"
    rf"{START}(?:ready|due|list[oa]|aa ga[yi]i?|aa chuki|आ गई|आ गयी|आ चुकी|taiyaa?r|tayyaa?r"
    rf"|तैयार|दोबारा|dobaa?ra|फिर से){END}",
    re.IGNORECASE,
)
_TITLED_LATER: Final = re.compile(
    rf"{START}(?:{as_written('people', 'surnames')}) (?:ji|sahab|saab|sahib|madam|sir|जी|साहब"
    rf"|मैडम|सर){END}"
)
"""A last name with its Hindi title behind it."""
_GREETING: Final = r"(?i:hi|hello|hey|dear|hola|estimad[oa]|querid[oa]|namaste|namaskar)"
_NO_NAME: Final = r"(?i:hi|hello|hola|thanks|thank|gracias|welcome|bienvenid[oa]|sorry|please)"
_GREETED: Final = re.compile(
    rf"{START}(?:{_GREETING}|(?i:buen[oa]s (?:d[ií]as|tardes)))"
    rf",? (?!There\b|All\b|Patient\b|Paciente\b|Everyone\b){_NAME}(?= ji\b|[,:!.\s-])"
    rf"|(?:^|[:.!] )(?!{_NO_NAME}\b){_NAME},(?= [a-z¿¡])"
    r"|(?:नमस्ते|नमस्कार|प्रिय),? (?!यह )[\u0900-\u097f]{2,}(?: जी)?[,:! ]"
    r"|[\u0900-\u097f]{2,} जी\b"
)
_CLOCK: Final = re.compile(
    rf"(?<![\w:]){_DAY}{END}|\b\d{{1,2}}[:.]\d{{2}}\b|\b\d{{1,2}} ?[ap]\.? ?m\b\.?"
    r"|\b\d{1,2}[/-]\d{1,2}(?:[/-]\d{2,4})?\b|\bbaje\b|बजे|सोमवार|मंगलवार|बुधवार|गुरुवार"
    rf"|शुक्रवार|शनिवार|रविवार|{START}(?:कल|आज|परसों){END}"
    rf"|\d (?:{HINDI_MONTH})"
    r"|\b\d{1,2}(?:st|nd|rd|th)?(?: de)? (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|ene"
    r"|abr|ago|dic)"
    r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2}\b",
    re.IGNORECASE,
)
_HOURS: Final = re.compile(
    rf"{START}(?:open(?:s|ing)?|hours|closed?|answer(?:ed|s)?|repl(?:y|ies) (?:by|within)"
    r"|responde(?:remos|r)|abiert[oa]s?|abrimos|horario|cerrad[oa]s?|cerramos|खुल[ाेी]"
    rf"|बंद|khul[aei]|band|lines|phones){END}",
    re.IGNORECASE,
)


_GREETED_NAME: Final = re.compile(rf"{START}{_GREETING},? {_NAME}(?=[,:!.])")


def without_greeted_name(text: str) -> str:
    """Blank out greeted and titled names: Asma, Dolores and Mr. Payne are people there."""
    return _TITLED.sub(" ", _GREETED_NAME.sub(" ", text))


def find(text: str) -> Iterator[PhiReason]:
    """Give what tells less than a condition: who, where, when, or that something is ready.

    A clinician or a place in the sender's own name, before the first colon, is not counted.
    """
    bare = _STREET.sub(" ", text)
    body = _SENDER.sub("", bare)
    if _CLINICIAN.search(without_places(body)):
        yield PhiReason.CLINICIAN
    if any(one.search(bare) for one in (_TITLED, _TITLED_LATER)):
        yield PhiReason.LAST_NAME
    if _PLACE.search(_SENDER.sub("", text)):
        yield PhiReason.PLACE
    sentences = _SENTENCE.findall(bare)
    if any(one.search(bare) for one in (_PHARMACY, _NAMED_PHARMACY)) or any(
        _is_notice(one) for one in sentences
    ):
        yield PhiReason.NOTICE
    if _GREETED.search(text):
        yield PhiReason.FIRST_NAME
    if any(_CLOCK.search(one) and not _HOURS.search(one) for one in sentences):
        yield PhiReason.VISIT_TIME


def _is_notice(sentence: str) -> bool:
    if _ERRAND.search(sentence):
        return False
    is_owned = all(one.search(sentence) for one in (_THING, _STATE, _OWNED))
    return is_owned or _DUE.search(sentence) is not None
