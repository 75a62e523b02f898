"""Where patients may be: the clocks of each state, an area code of each, some ZIP codes.

Facts of geography, written down apart from the product's. Zones that have shown the same time
since 2007 stand under one name, so clocks are compared and not names.
"""

from typing import Final

EAST, CENTRAL, MOUNTAIN, PACIFIC = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
)
PHOENIX, ANCHORAGE, ADAK, HONOLULU = (
    "America/Phoenix",
    "America/Anchorage",
    "America/Adak",
    "Pacific/Honolulu",
)

FIFTY_STATES: Final = (
    ADAK, ANCHORAGE, CENTRAL, MOUNTAIN, EAST, PACIFIC, PHOENIX, HONOLULU,
)  # fmt: skip
"""Every clock of the fifty states. Adak stands first: the day is counted there."""

CLOCKS_OF_STATE: Final[dict[str, tuple[str, ...]]] = {
    "AK": (ANCHORAGE, ADAK), "AL": (CENTRAL,), "AR": (CENTRAL,), "AZ": (PHOENIX, MOUNTAIN),
    "CA": (PACIFIC,), "CO": (MOUNTAIN,), "CT": (EAST,), "DC": (EAST,), "DE": (EAST,),
    "FL": (EAST, CENTRAL), "GA": (EAST,), "HI": (HONOLULU,), "IA": (CENTRAL,),
    "ID": (MOUNTAIN, PACIFIC), "IL": (CENTRAL,), "IN": (EAST, CENTRAL),
    "KS": (CENTRAL, MOUNTAIN), "KY": (EAST, CENTRAL), "LA": (CENTRAL,), "MA": (EAST,),
    "MD": (EAST,), "ME": (EAST,), "MI": (EAST, CENTRAL), "MN": (CENTRAL,), "MO": (CENTRAL,),
    "MS": (CENTRAL,), "MT": (MOUNTAIN,), "NC": (EAST,), "ND": (CENTRAL, MOUNTAIN),
    "NE": (CENTRAL, MOUNTAIN), "NH": (EAST,), "NJ": (EAST,), "NM": (MOUNTAIN,),
    "NV": (PACIFIC, MOUNTAIN), "NY": (EAST,), "OH": (EAST,), "OK": (CENTRAL,),
    "OR": (PACIFIC, MOUNTAIN), "PA": (EAST,), "RI": (EAST,), "SC": (EAST,),
    "SD": (CENTRAL, MOUNTAIN), "TN": (CENTRAL, EAST), "TX": (CENTRAL, MOUNTAIN),
    "UT": (MOUNTAIN,), "VA": (EAST,), "VT": (EAST,), "WA": (PACIFIC,), "WI": (CENTRAL,),
    "WV": (EAST,), "WY": (MOUNTAIN,),
    "AS": ("Pacific/Pago_Pago",), "GU": ("Pacific/Guam",), "MP": ("Pacific/Guam",),
    "PR": ("America/Puerto_Rico",), "VI": ("America/Puerto_Rico",),
}  # fmt: skip

AREA_CODE: Final = {
    "AK": "907", "AL": "205", "AR": "501", "AZ": "602", "CA": "213", "CO": "303", "CT": "203",
    "DC": "202", "DE": "302", "FL": "850", "GA": "404", "HI": "808", "IA": "515", "ID": "208",
    "IL": "312", "IN": "317", "KS": "316", "KY": "502", "LA": "504", "MA": "617", "MD": "410",
    "ME": "207", "MI": "313", "MN": "612", "MO": "314", "MS": "601", "MT": "406", "NC": "919",
    "ND": "701", "NE": "402", "NH": "603", "NJ": "201", "NM": "505", "NV": "702", "NY": "212",
    "OH": "216", "OK": "405", "OR": "503", "PA": "215", "RI": "401", "SC": "803", "SD": "605",
    "TN": "615", "TX": "512", "UT": "801", "VA": "804", "VT": "802", "WA": "206", "WI": "414",
    "WV": "304", "WY": "307", "AS": "684", "GU": "671", "MP": "670", "PR": "787", "VI": "340",
}  # fmt: skip
STATE_OF_CODE: Final = {code: state for state, code in AREA_CODE.items()}

ZIP_CODES: Final[dict[str, tuple[str, str]]] = {
    "10001": ("NY", EAST), "32501": ("FL", CENTRAL), "33101": ("FL", EAST),
    "79901": ("TX", MOUNTAIN), "78701": ("TX", CENTRAL), "37201": ("TN", CENTRAL),
    "37902": ("TN", EAST), "40202": ("KY", EAST), "42001": ("KY", CENTRAL),
    "46402": ("IN", CENTRAL), "46204": ("IN", EAST), "83814": ("ID", PACIFIC),
    "83702": ("ID", MOUNTAIN), "97914": ("OR", MOUNTAIN), "97201": ("OR", PACIFIC),
    "85001": ("AZ", PHOENIX), "99501": ("AK", ANCHORAGE), "96813": ("HI", HONOLULU),
    "58601": ("ND", MOUNTAIN), "57701": ("SD", MOUNTAIN), "69301": ("NE", MOUNTAIN),
    "39201": ("MS", CENTRAL), "02903": ("RI", EAST), "15201": ("PA", EAST),
}  # fmt: skip

PHONE_ABROAD: Final = {
    "+918045550123": "Asia/Kolkata",
    "+576015550123": "America/Bogota",
    "+33145550123": "Europe/Paris",
}
"""Numbers of countries with one clock."""
MOBILE_OF_AUSTRALIA: Final = "+61412345678"
CLOCKS_OF_AUSTRALIA: Final = (
    "Australia/Adelaide", "Australia/Brisbane", "Australia/Eucla", "Australia/Lord_Howe",
    "Australia/Perth", "Australia/Sydney", "Indian/Christmas", "Indian/Cocos",
)  # fmt: skip
"""A mobile number there tells the country alone. Adelaide stands first: the day is counted there.
Other numbers of countries with several clocks are left out."""

ZONES_ABROAD: Final = {
    "BR": "America/Sao_Paulo", "CL": "America/Santiago", "CO": "America/Bogota",
    "CU": "America/Havana", "ES": "Europe/Madrid", "FR": "Europe/Paris",
    "GL": "America/Scoresbysund", "IE": "Europe/Dublin", "IN": "Asia/Kolkata",
    "AU": "Australia/Lord_Howe", "MX": "America/Tijuana", "NP": "Asia/Kathmandu",
    "NZ": "Pacific/Chatham", "PT": "Atlantic/Azores", "PY": "America/Asuncion",
    "CA": "America/St_Johns",
}  # fmt: skip
"""A zone for each country; several change at midnight, by half an hour, or not at all."""
