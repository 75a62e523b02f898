"""An organisation's accounts with providers over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.http_client import serving

from handbell.audit.service import AuditService
from handbell.channels.credentials import TwilioCredentials
from handbell.channels.errors import LineTaken, NothingToLend
from handbell.channels.router import accounts_router
from handbell.channels.service import AccountService, accounts_named, accounts_of
from handbell.channels.types import NewLine, Provider
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId

Ask = Callable[..., Awaitable[httpx.Response]]
SID = "AC" + "1" * 32
NOW = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
TWILIO = {"provider": "twilio", "auth_token": "rotated-never"}
NEW = {
    "reference": SID,
    "baa": "signed",
    "credentials": TWILIO,
    "lines": [{"address": "+12125550142"}],
}


@pytest.fixture
async def ask(
    db: Database, keys: KeyRing, clock: FrozenClock, organization: OrganizationId
) -> AsyncIterator[Ask]:
    """Ask as the organisation's administrator, unless told otherwise."""
    router = accounts_router(AccountService(db, keys, AuditService(db, keys)), clock)
    async with serving(router, clock) as client:

        async def send(
            method: str, path: str = "", body: Any = None, *, who: str = ""
        ) -> httpx.Response:
            return await client.request(
                method,
                f"/provider-accounts{path}",
                json=body,
                headers={"authorization": f"Bearer {who or f'admin@{organization}'}"},
            )

        yield send


async def test_an_account_is_added_and_its_secret_is_never_shown(
    ask: Ask, db: Database, keys: KeyRing, organization: OrganizationId
) -> None:
    answer = await ask("POST", body=NEW)
    assert answer.status_code == 201
    added = answer.json()
    assert added["lines"][0]["address"] == "+12125550142"
    for shown in (answer, await ask("GET"), await ask("GET", f"/{added['id']}")):
        assert "rotated-never" not in shown.text
    (held,) = await accounts_of(db.direct, keys, organization)
    assert held.credentials == TwilioCredentials(auth_token="rotated-never")
    rows = await db.direct.rows("SELECT credentials FROM provider_accounts")
    assert b"rotated-never" not in rows[0]["credentials"]


async def test_credentials_are_rotated_and_the_agreement_changed(
    ask: Ask, db: Database, keys: KeyRing
) -> None:
    account_id = (await ask("POST", body=NEW)).json()["id"]
    changed = await ask("PUT", f"/{account_id}", {"credentials": TWILIO | {"auth_token": "two"}})
    assert changed.json()["baa"] == "signed"
    assert (await ask("PUT", f"/{account_id}", {"baa": "none"})).json()["baa"] == "none"
    (held,) = await accounts_named(db.direct, keys, Provider.TWILIO, SID)
    assert held.credentials == TwilioCredentials(auth_token="two")
    other = {"credentials": {"provider": "sendgrid", "api_key": "SG"}}
    refused = await ask("PUT", f"/{account_id}", other)
    assert (refused.status_code, refused.json()["code"]) == (
        422,
        "provider_credentials_of_another",
    )


async def test_lines_come_and_go_and_belong_to_one_organisation(
    ask: Ask, other_organization: OrganizationId
) -> None:
    account_id = (await ask("POST", body=NEW)).json()["id"]
    lines = (await ask("POST", f"/{account_id}/lines", {"address": "+12125550143"})).json()[
        "lines"
    ]
    assert [line["address"] for line in lines] == ["+12125550142", "+12125550143"]
    them = f"admin@{other_organization}"
    taken = await ask("POST", body=NEW | {"reference": "AC" + "2" * 32}, who=them)
    assert (taken.status_code, taken.json()["code"]) == (409, "sender_line_taken")
    assert (await ask("GET", who=them)).json() == []
    assert (await ask("GET", f"/{account_id}", who=them)).status_code == 404
    line_path = f"/{account_id}/lines/{lines[0]['id']}"
    assert (await ask("DELETE", line_path)).status_code == 204
    again = await ask("DELETE", line_path)
    assert (again.status_code, again.json()["code"]) == (404, "sender_line_not_found")


async def test_two_organisations_may_share_an_account_and_one_has_it_once(
    ask: Ask, other_organization: OrganizationId
) -> None:
    first = (await ask("POST", body=NEW)).json()["id"]
    twice = await ask("POST", body=NEW | {"lines": []})
    assert (twice.status_code, twice.json()["code"]) == (409, "provider_account_exists")
    assert twice.json()["details"] == {"account_id": first}
    theirs = NEW | {"lines": [{"address": "+12125550144"}]}
    assert (await ask("POST", body=theirs, who=f"admin@{other_organization}")).status_code == 201


@pytest.mark.parametrize(
    ("credentials", "line", "field"),
    [
        (TWILIO, {"address": "care@example.org"}, "address"),
        ({"provider": "sendgrid", "api_key": "SG.1"}, {"address": "+12125550142"}, "address"),
        ({"provider": "whatsapp", "access_token": "t"}, {"address": "+12125550142"}, "reference"),
    ],
)
async def test_a_line_that_the_provider_cannot_send_from_is_refused(
    ask: Ask, credentials: Any, line: Any, field: str
) -> None:
    body = NEW | {"credentials": credentials, "lines": [line]}
    refused = await ask("POST", body=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "sender_line_invalid")
    assert refused.json()["details"] == {"field": field}
    assert (await ask("GET")).json() == []


@pytest.mark.parametrize("role", ["staff", "marketing", "auditor"])
async def test_only_an_administrator_changes_accounts(
    ask: Ask, organization: OrganizationId, role: str
) -> None:
    assert (await ask("POST", body=NEW, who=f"{role}@{organization}")).status_code == 403
    assert (await ask("GET", who=f"{role}@{organization}")).status_code == 200


@pytest.mark.usefixtures("practice")
async def test_the_environments_account_is_changed_in_the_environment(ask: Ask) -> None:
    (account, *_) = (await ask("GET")).json()
    assert account["is_of_environment"]
    for method, path, body in (
        ("PUT", "", {"baa": "none"}),
        ("DELETE", "", None),
        ("POST", "/lines", {"address": "+12125550145"}),
        ("DELETE", f"/lines/{account['lines'][0]['id']}", None),
    ):
        refused = await ask(method, f"/{account['id']}{path}", body)
        assert (refused.status_code, refused.json()["code"]) == (
            409,
            "provider_account_of_environment",
        )


@pytest.mark.requirement("R7.6")
async def test_every_change_is_in_the_audit_log(ask: Ask, practice: Any) -> None:
    account_id = (await ask("POST", body=NEW)).json()["id"]
    await ask("PUT", f"/{account_id}", {"baa": "none"})
    lines = (await ask("POST", f"/{account_id}/lines", {"address": "+12125550143"})).json()[
        "lines"
    ]
    await ask("DELETE", f"/{account_id}/lines/{lines[0]['id']}")
    await ask("DELETE", f"/{account_id}")
    rows = await practice.rows(
        "SELECT action FROM audit_entries WHERE action LIKE 'provider_account.%' ORDER BY id"
    )
    assert [row.action.partition(".")[2] for row in rows] == [
        "added",
        "changed",
        "line_added",
        "line_removed",
        "removed",
    ]


async def test_the_environments_account_is_lent_with_a_line_of_its_own(
    db: Database, keys: KeyRing, practice: Any, other_organization: OrganizationId
) -> None:
    accounts = AccountService(db, keys, practice.audit)
    lent = [
        await accounts.lend(
            other_organization,
            Provider.TWILIO,
            NewLine(address=address),
            actor="operator",
            now=NOW,
        )
        for address in ("+12025550146", "+12025550147")
    ][-1]
    assert lent.is_of_environment
    assert lent.reference == "twilio-account"
    assert [line.address for line in lent.lines] == ["+12025550146", "+12025550147"]
    with pytest.raises(LineTaken):
        await accounts.lend(
            other_organization,
            Provider.TWILIO,
            NewLine(address="+12025550100"),
            actor="operator",
            now=NOW,
        )


async def test_nothing_is_lent_where_the_environment_has_none(
    db: Database, keys: KeyRing, organization: OrganizationId
) -> None:
    accounts = AccountService(db, keys, AuditService(db, keys))
    with pytest.raises(NothingToLend):
        await accounts.lend(
            organization,
            Provider.TWILIO,
            NewLine(address="+12025550146"),
            actor="operator",
            now=NOW,
        )
