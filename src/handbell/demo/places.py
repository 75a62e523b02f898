"""Where patients live and call from, and the practice's own places. All people are invented."""

from dataclasses import dataclass
from typing import Final

_EAST, _CENTRAL = "America/New_York", "America/Chicago"
_MOUNTAIN, _WEST = "America/Denver", "America/Los_Angeles"


@dataclass(frozen=True, slots=True)
class Place:
    """A city, its zone, the area codes of its numbers, and the practice's nearest location."""

    city: str
    state: str
    postal_code: str
    zone: str
    area_codes: tuple[str, ...]
    location: str


PLACES: Final = (
    Place("New York", "NY", "10001", _EAST, ("212", "646", "718", "917", "347"), "loc-ny"),
    Place("Boston", "MA", "02108", _EAST, ("617", "857", "781"), "loc-ny"),
    Place("Philadelphia", "PA", "19103", _EAST, ("215", "267", "610"), "loc-ny"),
    Place("Atlanta", "GA", "30303", _EAST, ("404", "678", "770"), "loc-ny"),
    Place("Miami", "FL", "33101", _EAST, ("305", "786", "954"), "loc-ny"),
    Place("Chicago", "IL", "60601", _CENTRAL, ("312", "773", "872", "847"), "loc-chicago"),
    Place("Minneapolis", "MN", "55401", _CENTRAL, ("612", "651", "763"), "loc-chicago"),
    Place("Houston", "TX", "77002", _CENTRAL, ("713", "281", "832"), "loc-chicago"),
    Place("Dallas", "TX", "75201", _CENTRAL, ("214", "469", "972"), "loc-chicago"),
    Place("New Orleans", "LA", "70112", _CENTRAL, ("504", "985"), "loc-chicago"),
    Place("Denver", "CO", "80202", _MOUNTAIN, ("303", "720"), "loc-denver"),
    Place("Salt Lake City", "UT", "84101", _MOUNTAIN, ("801", "385"), "loc-denver"),
    Place("Phoenix", "AZ", "85004", "America/Phoenix", ("602", "480", "623"), "loc-denver"),
    Place("Los Angeles", "CA", "90012", _WEST, ("213", "310", "323", "818"), "loc-la"),
    Place("San Francisco", "CA", "94103", _WEST, ("415", "628", "510"), "loc-la"),
    Place("Seattle", "WA", "98101", _WEST, ("206", "425", "253"), "loc-la"),
    Place("Anchorage", "AK", "99501", "America/Anchorage", ("907",), "loc-la"),
    Place("Honolulu", "HI", "96813", "Pacific/Honolulu", ("808",), "loc-la"),
)

AREAS: Final = tuple((code, place) for place in PLACES for code in place.area_codes)
NUMBERS_PER_AREA: Final = 100
"""The numbers 555-0100 to 555-0199 are set aside for fiction."""

CAPACITY: Final = len(AREAS) * NUMBERS_PER_AREA
"""How many patients can have a number of their own."""

SENSITIVE: Final = "loc-lakeside"
SENSITIVE_NAME: Final = "Lakeside Behavioral Health"


@dataclass(frozen=True, slots=True)
class Location:
    """A place of the practice, as its record system knows it."""

    id: str
    name: str
    zone: str
    is_sensitive: bool = False


LOCATIONS: Final = (
    Location("loc-ny", "Broadway Office", _EAST),
    Location("loc-chicago", "State Street Office", _CENTRAL),
    Location("loc-denver", "Union Station Office", _MOUNTAIN),
    Location("loc-la", "Harbor Office", _WEST),
    Location(SENSITIVE, SENSITIVE_NAME, _EAST, is_sensitive=True),
)
ZONE_OF_LOCATION: Final = {one.id: one.zone for one in LOCATIONS}

PROVIDERS: Final[dict[str, tuple[str, dict[str, object]]]] = {
    "prov-1": ("Dr. Irene Valdez", {}),
    "prov-2": ("Dr. Samuel Okoro", {"reminder_hours_before": [48, 2]}),
    "prov-3": ("Dr. Hannah Lindqvist", {"work_start": "10:00:00", "work_end": "18:00:00"}),
    "prov-4": ("Dr. Tomasz Bielak", {"best_hour": 17}),
    "prov-5": ("Dr. Priya Raman", {"channel_order": ["email", "sms", "whatsapp"]}),
}

FIRST_NAMES: Final = {
    "en": ("Ada", "Ben", "Clara", "Dan", "Edith", "Frank", "Grace", "Hugo", "Iris", "Jonas",
           "Kate", "Liam", "Maya", "Noah", "Olive", "Peter", "Ruth", "Simon", "Tess", "Walter"),
    "es": ("Alma", "Bruno", "Carmen", "Diego", "Elena", "Fermín", "Gloria", "Héctor", "Inés",
           "José", "Lucía", "Mateo", "Nuria", "Óscar", "Pilar", "Ramón", "Sofía", "Tomás"),
}  # fmt: skip
LAST_NAMES: Final = {
    "en": ("Abbot", "Brandt", "Carver", "Dalton", "Ellery", "Foster", "Garland", "Hobbs",
           "Ingram", "Jessup", "Keller", "Lowell", "Marsh", "Norwood", "Osgood", "Pruitt"),
    "es": ("Aguilar", "Bravo", "Cordero", "Domínguez", "Escobar", "Fuentes", "Gallardo",
           "Herrera", "Ibarra", "Lozano", "Medina", "Navarro", "Ochoa", "Peña", "Quiroga"),
}  # fmt: skip
DIAGNOSES: Final = (
    "type 2 diabetes", "HIV infection", "bipolar disorder", "breast cancer", "hepatitis C",
    "opioid use disorder", "atrial fibrillation", "chronic asthma", "end-stage renal disease",
)  # fmt: skip
DRUGS: Final = (
    "metformin", "bictegravir", "lithium", "tamoxifen", "sofosbuvir", "buprenorphine",
    "apixaban", "albuterol", "sevelamer",
)  # fmt: skip
