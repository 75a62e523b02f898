"""Streets, stops and landmarks: their names tell nothing of a patient (Cancer Creek Road)."""

import re
from typing import Final

from handbell.templates.phi.spelling import END, START

_NO_STREET: Final = (
    r"(?!\w*(?:olog|iatr)\w*|(?:Health|Clinic|Cent(?:er|re)|Department|Dept|Unit|Ward|Dialysis"
    r"|Rehab|Detox"
    r"|Hospice|Fertility|Maternity|Surgery|Therapy|Medicine|Recovery|Methadone|Infusion)\b)"
)
"""A department at a street is told with it: `Oncology Main Street`."""
_NAME: Final = rf"{_NO_STREET}[A-ZÁÉÍÓÚÑ][\w'\u2019.-]*"
_SHORT_AFTER: Final = r"(?:St|Rd|Ave?|Blvd|Ln|Dr|Ct|Pkwy|Hwy|Cir|Sq|Pl)"
_AFTER: Final = (
    r"(?:Streets?|Roads?|Rd|Avenues?|Ave|Boulevard|Blvd|Lanes?|Drive|Court|Parkway|Pkwy"
    r"|Highway|Hwy|Way|Circle|Trail|Square|Plaza|Bridge|Park|Station|Alley|Place"
    r"|Terrace|Turnpike|Route|Creek|Hills?|River|Lake|Bay|Beach|Valley|Canyon|Island|Springs?"
    r"|County"
    r"|Township|Mall|Market|Church|School|Library|Bakery|Café|Cafe|Diner|Theat(?:er|re)|Stadium"
    r"|Gali|Galli|Marg|Chowk|Nagar|Mohalla|Baza+r|Colony|Vihar|Mandi|Puram|Ganj|Path|Pul|Sadak"
    r"|Nivas|Chauraha|Metro)"
)
_BEFORE: Final = (
    r"(?:calle|c/|avenida|av\.|ave\.?|calzada|bulevar|boulevard|blvd\.?|paseo|callej[oó]n|privada"
    r"|carretera|colonia|col\.|barrio|parada|plaza|puente|parque|glorieta|fraccionamiento|cerrada"
    r"|andador|estaci[oó]n|metro|mercado|iglesia|parroquia|capilla|templo|camino|pasaje|rotonda"
    r"|panader[ií]a|tienda|escuela|cerro|r[ií]o|playa|r[uú]a|municipio|vecindario|residencial"
    r"|urbanizaci[oó]n|urb\.|autopista|salida)"
)
_SMALL: Final = r"(?:de|del|de la|de las|de los|la|las|los|el|y|e|San|Santa|Santo)"
_HINDI: Final = (
    r"(?:रोड|मार्ग|गली|नगर|चौक|एवेन्यू|स्ट्रीट|मोहल्ला|मोहल्ले|बाज़ार|बाजार|पुल|कॉलोनी|लेन"
    r"|बस स्टॉप|मेट्रो|स्टेशन"
    r"|पार्क|चौराहा|चौराहे|बस्ती|मंडी|मिल|विहार|गंज|पुरम|पुरा|सड़क|मंदिर|स्कूल|ड्राइव|प्लाज़ा"
    r"|प्लाजा)"
)
_NAMED: Final = re.compile(
    rf"\b{_NAME}(?: (?:of|the|and|&|{_NAME})){{0,2}} {_AFTER}\b"
    rf"|\b\d+\w? (?:[NSEW]\.? )?(?:{_NAME} ){{1,3}}(?:{_AFTER}|{_SHORT_AFTER})\b\.?"
    rf"|\b\d+ (?:[\w'-]+ ){{1,3}}(?i:street|st|road|rd|avenue|ave|blvd|boulevard|lane|ln)\b\.?"
    rf"|\b(?i:{_BEFORE}) (?:{_SMALL} )*{_NAME}(?:(?: {_SMALL})* {_NAME}){{0,3}}"
    rf"|{START}(?:[\u0900-\u097f]+[ -]){{1,2}}{_HINDI}{END}"
)


def without_places(text: str) -> str:
    """Blank out the names of streets, neighbourhoods and landmarks."""
    return _NAMED.sub(" _ ", text)
