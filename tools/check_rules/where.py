"""Clocks and states of a case's patient (regulation.md, "Zones", TCPA-02, ST-07)."""

from typing import NamedTuple

from tools.check_rules.cases import ORGANIZATION_ZONE, Case, Patient
from tools.check_rules.places import (
    CLOCKS_OF_AUSTRALIA,
    CLOCKS_OF_STATE,
    FIFTY_STATES,
    MOBILE_OF_AUSTRALIA,
    PHONE_ABROAD,
    STATE_OF_CODE,
    ZIP_CODES,
)


class Whereabouts(NamedTuple):
    """Every clock that must allow the instant, the primary first, and every state's law."""

    clocks: tuple[str, ...]
    states: tuple[str, ...]


def whereabouts(case: Case) -> Whereabouts:
    """A stated zone decides alone, but for marketing, where address and phone count as well."""
    patient = case.patient
    clocks, states = _address(patient)
    phone_clocks, phone_states = _phone(patient)
    clocks = [*clocks, *phone_clocks]
    is_marketing = case.message.message_class == "marketing"
    if patient.stated is not None:
        clocks = [patient.stated, *clocks] if is_marketing else [patient.stated]
    if not clocks:
        clocks = list(FIFTY_STATES) if is_marketing else [ORGANIZATION_ZONE]
    return Whereabouts(tuple(dict.fromkeys(clocks)), tuple({*states, *phone_states}))


def _address(patient: Patient) -> tuple[list[str], list[str]]:
    """The ZIP code says which clock of its state; only a US address tells a state."""
    if patient.country not in {None, "US"}:
        return [], []
    states = [patient.state] if patient.state in CLOCKS_OF_STATE else []
    if patient.postal_code in ZIP_CODES:
        state, clock = ZIP_CODES[patient.postal_code]
        return [clock], list(dict.fromkeys([state, *states]))
    return [clock for state in states for clock in CLOCKS_OF_STATE[state]], states


def _phone(patient: Patient) -> tuple[list[str], list[str]]:
    """An area code stands for its whole state."""
    phone = patient.phone or ""
    if phone in PHONE_ABROAD:
        return [PHONE_ABROAD[phone]], []
    if phone == MOBILE_OF_AUSTRALIA:
        return list(CLOCKS_OF_AUSTRALIA), []
    state = STATE_OF_CODE.get(phone[2:5]) if phone.startswith("+1") else None
    return (list(CLOCKS_OF_STATE[state]), [state]) if state else ([], [])
