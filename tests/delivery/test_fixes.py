"""Every failure that can end in the list belongs to the group of what would mend it."""

import json
from importlib.resources import files
from typing import Any, Final

import pytest

from handbell.channels.service import failure_of
from handbell.channels.types import Provider
from handbell.delivery.deadletters.policy import fix_of, remedy_of
from handbell.delivery.deadletters.store import UNSENDABLE
from handbell.delivery.deadletters.types import Fix

ROWS: Final[list[dict[str, Any]]] = json.loads(
    files("handbell.channels.providers").joinpath("errors.json").read_text()
)["rows"]
FITTING: Final = {
    "invalid_recipient": {
        *(Fix.WRONG_NUMBER, Fix.LANDLINE, Fix.UNREACHABLE, Fix.BAD_MAILBOX),
        *(Fix.NOT_ON_WHATSAPP, Fix.OPTED_OUT),
    },
    "opt_out": {Fix.OPTED_OUT},
    "content": {Fix.CONTENT_REFUSED, Fix.TEMPLATE_REJECTED, Fix.BUG, Fix.NOT_ON_WHATSAPP},
    "sender_config": {Fix.ACCOUNT_PROBLEM, Fix.NOT_ON_WHATSAPP, Fix.BUG},
    "auth": {Fix.ACCOUNT_PROBLEM},
    "rate_limit": {Fix.PROVIDER_TROUBLE, Fix.ACCOUNT_PROBLEM, Fix.NOT_ON_WHATSAPP},
    "transient": {Fix.PROVIDER_TROUBLE, Fix.UNREACHABLE},
    "ambiguous": {Fix.PROVIDER_TROUBLE},
    "policy_time": {Fix.PROVIDER_TROUBLE},
    "expired": {Fix.TOO_LATE},
    "accepted": {Fix.BUG},
}
"""The groups that a class of errors may fall into; a code chooses among them."""
ODD: Final = {
    "30450": {Fix.ACCOUNT_PROBLEM},  # the account's own protection against fraud
    "21604": {Fix.BUG},  # we named no recipient at all
}


@pytest.mark.requirement("R9.4")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['provider']} {row['code']}")
def test_every_row_of_the_providers_errors_has_a_fitting_group(row: dict[str, Any]) -> None:
    provider, code = Provider(row["provider"]), str(row["code"])
    fix = fix_of(provider, code, failure_of(provider, code))
    assert fix in ODD.get(code, FITTING[row["class"]])
    is_mail = row["provider"] == "sendgrid"
    assert fix not in ({Fix.WRONG_NUMBER, Fix.LANDLINE} if is_mail else {Fix.BAD_MAILBOX})


@pytest.mark.parametrize(
    ("provider", "code", "fix"),
    [
        (Provider.TWILIO, "21614", Fix.LANDLINE),
        (Provider.TWILIO, "30006", Fix.LANDLINE),
        (Provider.TWILIO, "21211", Fix.WRONG_NUMBER),
        (Provider.TWILIO, "30005", Fix.WRONG_NUMBER),
        (Provider.TWILIO, "30003", Fix.UNREACHABLE),
        (Provider.TWILIO, "21610", Fix.OPTED_OUT),
        (Provider.TWILIO, "30007", Fix.CONTENT_REFUSED),
        (Provider.TWILIO, "30034", Fix.ACCOUNT_PROBLEM),
        (Provider.TWILIO, "20003", Fix.ACCOUNT_PROBLEM),
        (Provider.TWILIO, "20429", Fix.PROVIDER_TROUBLE),
        (Provider.TWILIO, "30036", Fix.TOO_LATE),
        (Provider.WHATSAPP, "132015", Fix.TEMPLATE_REJECTED),
        (Provider.WHATSAPP, "131026", Fix.NOT_ON_WHATSAPP),
        (Provider.SENDGRID, "bounce:bounce", Fix.BAD_MAILBOX),
        (Provider.SENDGRID, "dropped:Unsubscribed Address", Fix.OPTED_OUT),
        (Provider.SENDGRID, "401", Fix.ACCOUNT_PROBLEM),
        (Provider.SENDGRID, "never_left", Fix.PROVIDER_TROUBLE),
        (Provider.TWILIO, "no_sender", Fix.ACCOUNT_PROBLEM),
        (Provider.TWILIO, "77777", Fix.BUG),
        (Provider.TWILIO, None, Fix.BUG),
        *((Provider.TWILIO, reason.value, Fix.BUG) for reason in UNSENDABLE),
    ],
)
def test_well_known_failures_are_where_staff_look_for_them(
    provider: Provider, code: str | None, fix: Fix
) -> None:
    assert fix_of(provider, code, failure_of(provider, code)) is fix


def test_every_group_says_what_is_wrong_and_what_to_do() -> None:
    for fix in Fix:
        told = remedy_of(fix)
        assert told.words.endswith(".")
        assert told.what_to_do.endswith(".")
    told_of = json.loads(files("handbell.delivery.deadletters").joinpath("fixes.json").read_text())
    assert set(told_of["remedies"]) == set(Fix)
    named = {fix for codes in told_of["codes"].values() for fix in codes.values()}
    assert named <= set(Fix)
    known = {(row["provider"], str(row["code"])) for row in ROWS}
    for provider in Provider:
        assert {(provider.value, code) for code in told_of["codes"][provider]} <= known
