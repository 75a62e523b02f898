"""Where the providers call. Signatures are the authentication; only what is stored is answered."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from fastapi import Request as HttpRequest
from pydantic import BaseModel

from handbell.access.types import Caller, Scope
from handbell.platform.clock import Clock
from handbell.platform.http import (
    REFUSED,
    PageParams,
    PathId,
    problems,
    require,
    set_page_headers,
)
from handbell.webhooks.dead import DeadWebhookService
from handbell.webhooks.errors import (
    DeadWebhookNotFound,
    NotFromProvider,
    NotStored,
    QueueFull,
    RelayUnreadable,
)
from handbell.webhooks.schemas import DeadWebhookOut, RelayedStatusIn, RelayedTextIn
from handbell.webhooks.service import WebhookHandler
from handbell.webhooks.types import Kind, Request

_NOTHING_TO_SAY: Final = "<Response/>"
"""TwiML: an answer to the patient is a message of its own, and passes the gate."""
_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
_MULTIPART: Final = "multipart/form-data"
_PROBLEMS: Final = problems(NotFromProvider, NotStored, QueueFull)
_RELAY_PROBLEMS: Final = problems(NotFromProvider, NotStored, QueueFull, RelayUnreadable)
_SIGNED: Final = [
    {"in": "header", "name": name, "required": True, "schema": {"type": "string"}}
    for name in ("X-Handbell-Signature", "X-Handbell-Timestamp")
]
Operator = Annotated[Caller, require(Scope.ADMIN)]
_Text = Annotated[str, Query(max_length=512)]


@dataclass(frozen=True, slots=True)
class _Intake:
    """Reads a request raw and hands it to the product."""

    handler: WebhookHandler
    clock: Clock

    async def take(
        self,
        kind: Kind,
        http: HttpRequest,
        *,
        token: str | None = None,
        account: str | None = None,
    ) -> None:
        request = Request(
            kind=kind,
            raw=await http.body(),
            path=http.url.path,
            query=http.url.query,
            headers={name.lower(): value for name, value in http.headers.items()},
            token=None if token is None or "\0" in token else token,
            account=account,
        )
        await self.handler.take(request, now=await self.clock.now())


def webhooks_router(handler: WebhookHandler, clock: Clock) -> APIRouter:
    """The webhooks of all three providers."""
    router = APIRouter(prefix="/webhooks", tags=["webhooks"])
    intake = _Intake(handler, clock)
    _add_twilio(router, intake)
    _add_sendgrid(router, intake)
    _add_whatsapp(router, intake)
    return router


def _add_twilio(router: APIRouter, intake: _Intake) -> None:
    @router.post("/twilio/status", responses=_PROBLEMS, openapi_extra=_body(_FORM))
    async def twilio_status(http: HttpRequest, mid: _Text | None = None) -> Response:
        """Twilio reports on a text message; `mid` names our attempt to send it."""
        await intake.take(Kind.TWILIO_STATUS, http, token=mid)
        return Response()

    @router.post("/twilio/inbound", responses=_PROBLEMS, openapi_extra=_body(_FORM))
    async def twilio_inbound(http: HttpRequest) -> Response:
        """A patient wrote a text message. A STOP has stopped when this is answered."""
        await intake.take(Kind.TWILIO_INBOUND, http)
        return Response(_NOTHING_TO_SAY, media_type="text/xml")

    @router.post("/twilio/events", responses=_PROBLEMS, openapi_extra=_body(_JSON, "array"))
    async def twilio_events(http: HttpRequest) -> Response:
        """Event Streams: links that patients followed."""
        await intake.take(Kind.TWILIO_EVENTS, http)
        return Response()


def _add_sendgrid(router: APIRouter, intake: _Intake) -> None:
    @router.post("/sendgrid/events", responses=_PROBLEMS, openapi_extra=_body(_JSON, "array"))
    async def sendgrid_events(http: HttpRequest, account: _Text | None = None) -> Response:
        """SendGrid reports on e-mails: a signed array of events. `account` is the reference of
        an organisation's own account; its events name none."""
        await intake.take(Kind.SENDGRID_EVENTS, http, account=account)
        return Response()

    @router.post("/sendgrid/inbound", responses=_PROBLEMS, openapi_extra=_body(_MULTIPART))
    async def sendgrid_inbound(http: HttpRequest, account: _Text | None = None) -> Response:
        """A patient wrote an e-mail. A STOP has stopped when this is answered. `account` is the
        reference of an organisation's own account."""
        await intake.take(Kind.SENDGRID_INBOUND, http, account=account)
        return Response()


def _add_whatsapp(router: APIRouter, intake: _Intake) -> None:
    @router.post("/whatsapp", responses=_PROBLEMS, openapi_extra=_body(_JSON))
    async def whatsapp(http: HttpRequest) -> Response:
        """WhatsApp reports on messages, and what patients wrote. Meta takes no answer but 200."""
        await intake.take(Kind.WHATSAPP, http)
        return Response()

    @router.get("/whatsapp", responses=problems(NotFromProvider))
    async def whatsapp_handshake(
        mode: Annotated[_Text, Query(alias="hub.mode")] = "",
        verify_token: Annotated[_Text, Query(alias="hub.verify_token")] = "",
        challenge: Annotated[_Text, Query(alias="hub.challenge")] = "",
    ) -> Response:
        """Meta sets the webhook up: the challenge comes back to whoever knows our token."""
        if mode != "subscribe" or not intake.handler.is_known_subscriber(verify_token):
            raise NotFromProvider
        return Response(challenge, media_type="text/plain")


def relay_router(handler: WebhookHandler, clock: Clock) -> APIRouter:
    """The same news in one form, from a relay that knows our webhook secret."""
    router = APIRouter(prefix="/comm/webhook", tags=["webhooks"])
    intake = _Intake(handler, clock)

    @router.post(
        "/outbound-status", responses=_RELAY_PROBLEMS, openapi_extra=_relayed(RelayedStatusIn)
    )
    async def outbound_status(http: HttpRequest) -> dict[str, Any]:
        """What became of a message, in our own words for it."""
        await intake.take(Kind.RELAY_STATUS, http)
        return {}

    @router.post("/inbound", responses=_RELAY_PROBLEMS, openapi_extra=_relayed(RelayedTextIn))
    async def inbound(http: HttpRequest) -> dict[str, Any]:
        """A patient wrote. A STOP has stopped when this is answered."""
        await intake.take(Kind.RELAY_INBOUND, http)
        return {}

    return router


def dead_webhooks_router(dead: DeadWebhookService, clock: Clock) -> APIRouter:
    """What could not be applied, for operators."""
    router = APIRouter(prefix="/webhooks/dead", tags=["webhooks"])

    @router.get("", responses=problems(*REFUSED))
    async def list_dead(
        request: HttpRequest, response: Response, caller: Operator, page: PageParams
    ) -> list[DeadWebhookOut]:
        """The callbacks that were given up, newest first: ids and the name of the problem."""
        found, total = await dead.list_dead(
            caller.organization_id, limit=page.limit, offset=page.offset
        )
        set_page_headers(request, response, page, total=total)
        return [DeadWebhookOut.model_validate(one) for one in found]

    @router.post("/{delivery_id}/replay", responses=problems(*REFUSED, DeadWebhookNotFound))
    async def replay(delivery_id: PathId, caller: Operator) -> dict[str, Any]:
        """Try it again, from the first of its five attempts; what it did already counts once."""
        now = await clock.now()
        await dead.replay(caller.organization_id, delivery_id, actor=caller.name, now=now)
        return {}

    return router


def _body(media_type: str, kind: str = "object") -> dict[str, Any]:
    """The body is read raw, since its signature covers the bytes: said here for OpenAPI."""
    content = {media_type: {"schema": {"type": kind}}}
    return {"requestBody": {"required": True, "content": content}}


def _relayed(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    content = {_JSON: {"schema": schema}}
    return {"parameters": _SIGNED, "requestBody": {"required": True, "content": content}}
