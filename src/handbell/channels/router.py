"""`/provider-accounts`: with whom an organisation sends, and from which numbers."""

from typing import Annotated, Final

from fastapi import APIRouter, Request, Response
from fastapi import status as http

from handbell.access.types import Caller, Scope
from handbell.channels.errors import (
    AccountExists,
    AccountNotFound,
    AccountOfEnvironment,
    CredentialsOfAnother,
    InvalidLine,
    LineNotFound,
    LineTaken,
)
from handbell.channels.schemas import AccountChange, AccountIn, AccountOut, LineIn
from handbell.channels.service import AccountService
from handbell.platform.clock import Clock
from handbell.platform.http import (
    REFUSED,
    PageParams,
    PathId,
    problems,
    require,
    set_page_headers,
)

Reader = Annotated[Caller, require(Scope.SETTINGS_READ)]
Admin = Annotated[Caller, require(Scope.ADMIN)]
_CHANGING: Final = (*REFUSED, AccountNotFound, AccountOfEnvironment)


def accounts_router(accounts: AccountService, clock: Clock) -> APIRouter:
    """Everybody in the organisation may see the accounts, administrators change them."""
    router = APIRouter(prefix="/provider-accounts", tags=["settings"])
    _add_accounts(router, accounts, clock)
    _add_lines(router, accounts, clock)
    return router


def _add_accounts(router: APIRouter, accounts: AccountService, clock: Clock) -> None:
    @router.get("", responses=problems(*REFUSED))
    async def list_accounts(
        request: Request, response: Response, caller: Reader, page: PageParams
    ) -> list[AccountOut]:
        """The organisation's accounts with their lines. Secrets are never shown."""
        found, total = await accounts.list_all(
            caller.organization_id, limit=page.limit, offset=page.offset
        )
        set_page_headers(request, response, page, total=total)
        return [AccountOut.of(one) for one in found]

    @router.post(
        "",
        status_code=http.HTTP_201_CREATED,
        responses=problems(*REFUSED, AccountExists, LineTaken, InvalidLine),
    )
    async def add_account(body: AccountIn, caller: Admin) -> AccountOut:
        """Add an account with its credentials and lines."""
        now = await clock.now()
        added = await accounts.add(
            caller.organization_id, body.to_account(), actor=caller.name, now=now
        )
        return AccountOut.of(added)

    @router.get("/{account_id}", responses=problems(*REFUSED, AccountNotFound))
    async def get_account(account_id: PathId, caller: Reader) -> AccountOut:
        """One account with its lines."""
        return AccountOut.of(await accounts.get(caller.organization_id, account_id))

    @router.put("/{account_id}", responses=problems(*_CHANGING, CredentialsOfAnother))
    async def change_account(account_id: PathId, body: AccountChange, caller: Admin) -> AccountOut:
        """Change the agreement or the credentials, as when a token is rotated."""
        changed = await accounts.change(
            caller.organization_id,
            account_id,
            baa=body.baa,
            credentials=body.to_credentials(),
            actor=caller.name,
            now=await clock.now(),
        )
        return AccountOut.of(changed)

    @router.delete(
        "/{account_id}", status_code=http.HTTP_204_NO_CONTENT, responses=problems(*_CHANGING)
    )
    async def remove_account(account_id: PathId, caller: Admin) -> None:
        """Remove an account and its lines. Nothing is sent with it from then on."""
        await accounts.remove(
            caller.organization_id, account_id, actor=caller.name, now=await clock.now()
        )


def _add_lines(router: APIRouter, accounts: AccountService, clock: Clock) -> None:
    @router.post(
        "/{account_id}/lines",
        status_code=http.HTTP_201_CREATED,
        responses=problems(*_CHANGING, LineTaken, InvalidLine),
    )
    async def add_line(account_id: PathId, body: LineIn, caller: Admin) -> AccountOut:
        """Send from one more number or mailbox. Each patient keeps being written to from one."""
        changed = await accounts.add_line(
            caller.organization_id,
            account_id,
            body.to_line(),
            actor=caller.name,
            now=await clock.now(),
        )
        return AccountOut.of(changed)

    @router.delete(
        "/{account_id}/lines/{line_id}",
        status_code=http.HTTP_204_NO_CONTENT,
        responses=problems(*_CHANGING, LineNotFound),
    )
    async def remove_line(account_id: PathId, line_id: PathId, caller: Admin) -> None:
        """Send from it no more."""
        await accounts.remove_line(
            caller.organization_id, account_id, line_id, actor=caller.name, now=await clock.now()
        )
