"""Patterns of what points at a person or at money: birth dates, numbers, amounts, debts."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from handbell.templates.phi.reasons import PhiReason
from handbell.templates.phi.spelling import END, START

_PHONE: Final = re.compile(
    r"(?<![\w-])(?:\+?\d{1,3}[ .-]?)?\(?\d{3}\)?[ .-]{1,2}\d{3}[ .-]\d{4}(?![\w-])"
    r"|\+\d{8,15}(?!\d)|\+\d{1,3}(?:[ .-]?\(?\d{2,5}\)?){2,5}(?![\w-])"
    r"|(?:(?:call|tel|text|phone|llame al?|marque|tel[eé]fono|फ़?ोन|फोन|कॉल|par)[ .:]{1,2})"
    r"\d{10}(?!\d)|(?<!\d)\d{10}(?= (?:पर|par|pe) "
    r"(?:call|phone|text|message|whatsapp|फोन|फ़ोन|कॉल|संपर्क))"
    r"|(?<=[.!?\u0964] )[2-9]\d{2}[2-9]\d{6}(?!\d)|(?<!\d)1?800[ -]\d{3}[ -]?\d{4}(?!\d)",
    re.IGNORECASE,
)
HINDI_MONTH: Final = (
    "जनवरी|फरवरी|फ़रवरी|मार्च|अप्रैल|मई|जून|जुलाई|अगस्त|सितंबर|सितम्बर|अक्टूबर|अक्तूबर|नवंबर|नवम्बर|दिसंबर|दिसम्बर"
)
_MONTH: Final = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|ene|abr|ago|dic)[a-zé]*\.?"
    rf"|{HINDI_MONTH}"
)
_DATE: Final = re.compile(
    r"(?<![\d/.-])(?P<sep>\d{1,2}[/.-])\d{1,2}[/.-](?P<a>\d{4})\b"
    r"|\b(?P<b>\d{4})[/.-]\d{1,2}[/.-]\d{1,2}\b"
    rf"|(?:{_MONTH}) \d{{1,2}}(?:st|nd|rd|th)?,? (?P<c>\d{{4}})\b"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)? (?:de |of )?(?:{_MONTH}),? (?:de |del )?(?P<d>\d{{4}})\b",
    re.IGNORECASE,
)
_SHORT_DATE: Final = re.compile(
    r"(?<![\d/.-])(?:0?[1-9]|1[0-2])([/-])(?:0?[1-9]|[12]\d|3[01])\1(\d{2})(?![\d/-])"
    r"|(?<![\d/.-])(?:0?[1-9]|[12]\d|3[01])([/-])(?:0?[1-9]|1[0-2])\3(\d{2})(?![\d/-])"
)
_BIRTH_WORD: Final = re.compile(
    r"\b(?:d\.? ?o\.? ?b\b|date of birth|birth ?date|born (?:on|in)\b|born,? \d|birthday is"
    r"|fecha de nac|nacid[oa] (?:el|en)|naci[oó] (?:el|en)|f\. ?nac|fdn\b"
    r"|janm ?(?:din|dinank|tithi|tarikh|ki taa?rikh)|paidaish)"
    r"|जन्म ?(?:तिथि|तारीख|दिनांक|की तारीख)|जन्मतिथि|पैदा हु",
    re.IGNORECASE,
)
_SSN: Final = re.compile(
    r"(?<![\d-])\d{3}[ -]\d{2}[ -]\d{4}(?![\d-])|\bSSN\b|\bsocial security (?:no|num|number|#)"
    r"|\b(?:n[uú]mero|no\.?|n[°º]) (?:de|del) seguro social"
    r"|\b(?:social|seguro|ssn|soc)\b[^.!?\n\u0964\d]{0,40}(?<!\d)\d{4}(?!\d)",
    re.IGNORECASE,
)
_LINK_WORDS: Final = (
    r"(?:[ .:#_-]|\b(?:n|no|nos|num|number|numbers|nbr|id|ids|code|is|was|ref|n[uú]mero|n[uú]m|es"
    r"|de|del|nro|code|ending|ends|ended|in|with|terminad[oa]|que|termina|en|hai|ka|ki|sankhya"
    r"|nambar)\b|[°º]|नंबर|नम्बर|नं|न०|सं|संख्या|क्रमांक|आईडी|है|का|की"
    r"|[(]|no\.|aap\w*|your|su|sus|actual|new|nuev[oa]|terminal?s?|last|four|digits|last 4){0,14}"
)
_NUMBER: Final = r"(?<!\d)(?:[a-z]{1,5}[-/ ]?)?\d(?:[\d./-]*(?:[a-z]{1,3}[-/]?)?\d){2,}"
_RECORD: Final = re.compile(
    r"(?:\b(?:mrn|emr|uhid|nhc|ipd|opd|(?:medical |health )?records?|chart|patient (?:id|no|num|"
    r"number|code|#)|file (?:no|num|number|#)|case (?:no|num|number|#)|encounter|accession"
    r"|specimen|rx ?(?:no|num|number|#)|prescription (?:no|num|number|#)|mrd|hospital (?:id"
    r"|number|no)"
    r"|auth(?:orization)? (?:no|num|number|#)|referral (?:no|num|number|#)|expediente|exp\."
    r"|ficha|historial|folio"
    r"|autorizaci[oó]n|receta (?:no|n[uú]m|n[uú]mero|#)|(?:parchi|file|case|record|panjikaran"
    r"|mareej) (?:id|number|no|sankhya)|historia(?: cl[ií]nica| m[eé]dica)?"
    r"|(?:n[uú]mero|no\.|n[°º]|id|c[oó]digo) (?:de|del) paciente|folio"
    r"|mareez (?:id|number|no|sankhya)|registration (?:no|num|number|#))"
    r"|यूएचआईडी|एमआरएन|एमआरडी|रिकॉर्ड|ओपीडी|आईपीडी|रजिस्ट्रेशन|पंजीकरण"
    r"|(?:मरीज|मरीज़|रोगी|पेशेंट|पर्ची|अस्पताल|फाइल|फ़ाइल|केस) ?"
    rf"(?:आईडी|नंबर|संख्या|क्रमांक)){_LINK_WORDS}{_NUMBER}|\b(?:MRN|UHID|NHC)\b"
    r"|(?<![\w/-])[a-z]{2,5}[-/#]\d{4,}(?:[-/]\w+)*(?![\w-])",
    re.IGNORECASE,
)
_ACCOUNT: Final = re.compile(
    r"(?:\b(?:account|acct|a/c|policy|member|subscriber|group|claim|invoice|card|prior auth\w*"
    r"|cuenta|p[oó]liza|factura|tarjeta|afiliad[oa]|afiliaci[oó]n|reclamo|khata|khaata|bima"
    r"|insurance (?:id|no|number)|plan id|medi-?cal id|seguro (?:no|n[uú]m|n[uú]mero)"
    r"|afiliaci[oó]n|cuenta|contrato|siniestro)\b"
    r"|खाता|खाते|पॉलिसी|बीमा|दावा|क्लेम|कार्ड|बिल (?:नंबर|संख्या))"
    rf"{_LINK_WORDS}{_NUMBER}"
    r"|(?<![\w-])\d{7,}(?![\w-])|(?<![\d-])(?:\d{4}[ -]){2,3}\d{4}(?![\d-])"
    r"|\b(?:member|subscriber) id\b.{0,4}\b[a-z]*\d",
    re.IGNORECASE,
)
_IDENTITY: Final = re.compile(
    r"(?:\b(?:aadhaa?r|pan (?:card|no|number)|passport|pasaporte|dni|nie|curp|rfc|ine|ife|cui"
    r"|dui|cie|green card|alien (?:no|number)|a-number|itin|ration card|pan|c[eé]dula|nhs"
    r"|driver'?s? licen[cs]e|licencia|medicare|medicaid|medi-cal|abha|voter id|npi|dea|nss|imss)\b"
    rf"|आधार|पासपोर्ट|पैन|राशन कार्ड|आयुष्मान|वोटर|लाइसेंस"
    rf"|आभा){_LINK_WORDS}{START}(?=[\w-]*\d[\w-]*\d[\w-]*\d)[\w-]{{4,}}"
    rf"|{START}(?:\d{{7,8}}-?[A-Z]|[XYZ]\d{{7}}[A-Z]|[A-Z]{{5}}\d{{4}}[A-Z]"
    rf"|[A-Z]{{4}}\d{{6}}[HM][A-Z]{{5}}\w\d)"
    rf"{END}",
    re.IGNORECASE,
)
_CURRENCY: Final = (
    r"(?:usd|eur|inr|mxn|gbp|dollars?|bucks|d[oó]lar(?:es)?|euros?|rupees?|pesos|cents|centavos"
    r"|mxn|quetzales|lempiras|colones|c[oó]rdobas|balboas|soles|bol[ií]vares|pesitos|lana|varos"
    r"|peniques"
    r"|rupa[iy]e|rupaya|rupay|rs|रुपये|रुपए|रुपया|रुपयों|रूपये|रु|डॉलर)"
)
_HUNDREDS: Final = (
    r"(?:hundred|thousand|cien|ciento|doscient[oa]s|trescient[oa]s|cuatrocient[oa]s"
    r"|quinient[oa]s|seiscient[oa]s"
    r"|setecient[oa]s|ochocient[oa]s|novecient[oa]s|mil|sau|hazaa?r|lakh|सौ|हजार|हज़ार|लाख)"
)
_PAYS: Final = (
    r"(?:fees?|pay|pays|paid|cost|costs|copay|co-pay|charged?|deductible|coinsurance|cuesta"
    r"|cuestan|cost[oó]"
    r"|paga|pagar|pague|abono|abonar|cuota|copago|deducible|cobra|cobramos|lagenge|lagega|lagegi"
    r"|dene|dena"
    r"|jama|kharch|kharcha|लगेंगे|लगेगा|लगेगी|देने|देना|जमा|फीस|फ़ीस|खर्च|खर्चा|शुल्क|भुगतान"
    r"|बकाया|बाकी|बाक़ी|चुका\w*)"
)
_AMOUNT: Final = re.compile(
    rf"{START}{_HUNDREDS}{END}[^.!?\n\u0964]{{0,25}}{START}{_PAYS}{END}"
    rf"|{START}{_PAYS}{END}[^.!?\n\u0964]{{0,25}}{START}{_HUNDREDS}{END}"
    r"|\b(?:copay|co-pay|deductible|coinsurance|copago|deducible|fee|fees|balance|saldo|total"
    r"|cost|price|costo|precio"
    r"|bill|charge|cargo|fees?|फीस|फ़ीस|शुल्क|बिल)(?: (?:of|is|was|will be|would be|comes to"
    r"|for \w+|today|due|es|de|fue|ser[aá]|hai|है|का|ki|ka|:)){0,3}"
    r"[: ]{1,2}\d{2,}(?:[.,]\d+)*(?![\d:/-]|\s?(?:am|pm|baje|बजे|days?|d[ií]as?|din|दिन|st|th"
    r"|de)\b)|"
    r"[$€£₹]\s?\d|\d\s?[€₹$](?!\w)"
    rf"|\b\d+(?:[.,]\d+)*\s?(?:k |mil |thousand |hazaa?r |lakh |हज़ार |हजार "
    rf"|लाख )?{_CURRENCY}{END}"
    rf"|{START}(?:{_CURRENCY})\.?\s?\d"
    r"|\b(?:dollars|bucks|d[oó]lares|euros|rupees|rupa[iy]e|pesos|quetzales|lempiras|colones)\b"
    r"|रुपये|रुपए|रूपये",
    re.IGNORECASE,
)
_OWED: Final = (
    r"(?:past[ -]due|overdue|outstanding|unpaid|delinquent|owe[sd]?|owing|remaining|declined"
    r"|in collections?|pendientes?|vencid[oa]s?|atrasad[oa]s?|rechazad[oa]s?|impag[oa]s?|बकाया"
    r"|बाकी|bakaa?ya|baa?ki|denied|denegad[oa]|due)"
)
_MONEY: Final = (
    r"(?:balance|co-pay|fees?|mensualidad|cuota|copago|abono|फीस|पैसे|पैसा|fees|bill|bill|bills"
    r"|payments?|account|invoice|amount|debt|charges?|claim|card|copay"
    r"|saldo|factura|pagos?|cuenta|tarjeta|deuda|reclamo|cargos?|बिल|भुगतान|राशि|खाता|खाते|रकम"
    r"|bhugtaa?n|raa?shi|paise|paisa|rakam)"
)
_DEBT: Final = re.compile(
    rf"{START}{_OWED}{END}[^.!?\n\u0964]{{0,30}}{START}{_MONEY}{END}"
    rf"|{START}{_MONEY}{END}[^.!?\n\u0964]{{0,30}}{START}{_OWED}{END}"
    r"|\b(?:sent to|turned over to|goes? to) (?:a )?collections?\b|\bcollections? (?:agency"
    r"|account)\b"
    r"|\byou (?:still )?owe (?![$€£₹]?\s?\d)|\bnos debe\b|\bdeuda\b|\bcobranzas?\b|\badeud[oa]s?\b"
    r"|\bfinancial (?:assistance|hardship) (?:application|request)\b|\bbankruptcy\b"
    r"|बकाया|\bbakaa?ya\b|\b(?:insurance|el seguro|aseguranza|seguro)\b[^.!?\n]{0,20}\b(?:denied"
    r"|rejected|did(?:n't| not) (?:cover|pay)|won't (?:cover|pay)|rechaz[oó]|neg[oó]"
    r"|no (?:cubri[oó]|cubre|pag[oó]))\b"
    r"|\b(?:le|nos|me) (?:falta|queda)(?:n)? (?:por )?pagar\b|\bpayment plan\b"
    r"|\bplan de pagos?\b|\bpaise baa?ki\b|पैसे (?:बाकी|बाक़ी)|\budh?aa?r\b|उधार",
    re.IGNORECASE,
)
_ASKED: Final = re.compile(
    r"\b(?:never|(?:do not|don't)(?: ever)?) (?:text|send|share|write|post)\b[^.!?\n\d]*"
    r"|\b(?:have|keep)\b[^.!?\n\d]*\b(?:ready|handy|at hand|on hand)\b"
    r"|\b(?:nunca|no) (?:nos )?(?:mande|env[ií]e|comparta|escriba|mandes|env[ií]es)\b[^.!?\n\d]*"
    r"|\b(?:tenga|ten)(?:ga)? (?:a (?:la )?mano|list[oa]s?|cerca)\b[^.!?\n\d]*"
    r"|[^.!?\n\u0964\d]*(?:तैयार रखें|पास रखें|न भेजें|मत भेजें|साझा न करें)"
    r"|[^.!?\n\d]*\b(?:(?:taiyaa?r|paas) rakh\w+|(?:na|mat) bhej\w+|share na kar\w+)\b",
    re.IGNORECASE,
)
"""Telling which fields to have ready, or not to send, without any value."""
_PATTERNS: Final = (
    (PhiReason.BIRTH_DATE, _BIRTH_WORD),
    (PhiReason.SOCIAL_SECURITY_NUMBER, _SSN),
    (PhiReason.RECORD_NUMBER, _RECORD),
    (PhiReason.ACCOUNT_NUMBER, _ACCOUNT),
    (PhiReason.IDENTITY_NUMBER, _IDENTITY),
    (PhiReason.AMOUNT, _AMOUNT),
    (PhiReason.DEBT, _DEBT),
)


def find(text: str, *, now: datetime) -> Iterator[PhiReason]:
    """Give each kind of identifier and of money in the text; phone numbers are skipped."""
    bare = _PHONE.sub(" ", text)
    if any(year < now.year - 1 for year in _years(bare, now=now)):
        yield PhiReason.BIRTH_DATE
    rest = _DATE.sub(" ", bare)
    rest = _ASKED.sub(" ", rest)
    for reason, pattern in _PATTERNS:
        if pattern.search(rest):
            yield reason


def _years(text: str, *, now: datetime) -> Iterator[int]:
    """The years of full dates; of two digits, the last such year that a visit could be in."""
    for found in _DATE.finditer(text):
        yield int(next(year for year in found.group("a", "b", "c", "d") if year))
    for found in _SHORT_DATE.finditer(text):
        year = now.year // 100 * 100 + int(found[2] or found[4])
        yield year if year <= now.year + 1 else year - 100
