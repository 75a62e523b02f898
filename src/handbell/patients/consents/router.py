"""`/patients/{id}/consents`: what the patient agreed to, the proof of it, and new decisions."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import HTMLResponse

from handbell.access.types import Caller, Scope
from handbell.consent.errors import (
    DecisionInTheFuture,
    GrantNeedsClass,
    NeedsText,
    WordingDiffers,
    WrittenConsentIncomplete,
)
from handbell.directory.errors import InvalidAddress
from handbell.patients.consents.bodies import (
    GrantIn,
    RevocationIn,
    RiskIn,
    WordingIn,
)
from handbell.patients.consents.deciding import PatientConsentService, Said
from handbell.patients.consents.errors import NoSuchAddress
from handbell.patients.consents.html import HEADERS, render
from handbell.patients.consents.schemas import AddressProofOut, ConsentEntryOut, WordingOut
from handbell.patients.consents.service import ConsentProofService
from handbell.platform.clock import Clock
from handbell.platform.http import (
    REFUSED,
    PageParams,
    PathId,
    problems,
    require,
    set_page_headers,
)
from handbell.preferences.errors import PatientNotFound

Reader = Annotated[Caller, require(Scope.PATIENTS_READ)]
Writer = Annotated[Caller, require(Scope.PATIENTS_WRITE)]
HTML: Final = "text/html"
DECIDED: Final = problems(
    *REFUSED,
    PatientNotFound,
    NoSuchAddress,
    InvalidAddress,
    DecisionInTheFuture,
    GrantNeedsClass,
    NeedsText,
    WrittenConsentIncomplete,
)


def consents_router(
    proofs: ConsentProofService, consents: PatientConsentService, clock: Clock
) -> APIRouter:
    """Every read and change is in the audit log."""
    router = APIRouter(tags=["patients"])
    _add_proof(router, proofs, clock)
    _add_decisions(router, consents, clock)
    _add_wordings(router, consents, clock)
    return router


def _add_proof(router: APIRouter, proofs: ConsentProofService, clock: Clock) -> None:
    @router.get(
        "/patients/{patient_id}/consents",
        response_model=list[AddressProofOut],
        responses={
            **problems(*REFUSED, PatientNotFound),
            200: {"content": {HTML: {"schema": {"type": "string"}}}},
        },
    )
    async def get_consents(
        patient_id: PathId,
        caller: Reader,
        form: Annotated[Literal["json", "html"] | None, Query(alias="format")] = None,
        accept: Annotated[str, Header(max_length=1000)] = "",
    ) -> Response | list[AddressProofOut]:
        """Each address that the patient has or had: what holds, every decision, what was sent.

        As a page to print with `format=html`, or where the caller asks for `text/html`.
        """
        proof = await proofs.prove(
            caller.organization_id, patient_id, actor=caller.name, now=await clock.now()
        )
        if form == "html" or (form is None and wants_html(accept)):
            return HTMLResponse(render(proof), headers=dict(HEADERS))
        return [AddressProofOut.of(one) for one in proof.addresses]


def wants_html(accept: str) -> bool:
    """Whether a page is asked for by name, and before JSON."""
    named = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    first = next((one for one in named if one in {HTML, "application/json"}), None)
    return first == HTML


def _add_decisions(router: APIRouter, consents: PatientConsentService, clock: Clock) -> None:
    async def decide(
        caller: Caller, patient_id: int, body: GrantIn | RevocationIn | RiskIn
    ) -> list[ConsentEntryOut]:
        now = await clock.now()
        said: Said = body.to_said(actor=caller.name, now=now)
        entries = await consents.decide(caller.organization_id, patient_id, said, now=now)
        return [ConsentEntryOut.of(entry) for entry in entries]

    @router.post("/patients/{patient_id}/consents/grant", responses=DECIDED)
    async def grant_consent(
        patient_id: PathId, body: GrantIn, caller: Writer
    ) -> list[ConsentEntryOut]:
        """Record consent to a class of messages; it lifts an earlier stop. The answer is the
        entry of each address."""
        return await decide(caller, patient_id, body)

    @router.post("/patients/{patient_id}/consents/revoke", responses=DECIDED)
    async def revoke_consent(
        patient_id: PathId, body: RevocationIn, caller: Writer
    ) -> list[ConsentEntryOut]:
        """Take consent back, at once: what is queued ends, what is in flight is waited for."""
        return await decide(caller, patient_id, body)

    @router.post("/patients/{patient_id}/consents/risk", responses=DECIDED)
    async def acknowledge_risk(
        patient_id: PathId, body: RiskIn, caller: Writer
    ) -> list[ConsentEntryOut]:
        """Record that the patient knows the risk of unencrypted messages, or no longer wants
        them: then texts say no more than that there is a message."""
        return await decide(caller, patient_id, body)


def _add_wordings(router: APIRouter, consents: PatientConsentService, clock: Clock) -> None:
    @router.post("/consent-wordings", responses=problems(*REFUSED, WordingDiffers))
    async def publish_wording(
        body: WordingIn, caller: Annotated[Caller, require(Scope.ADMIN)]
    ) -> WordingOut:
        """Publish the words that patients agree to. The same again changes nothing."""
        now = await clock.now()
        wording = body.to_wording(actor=caller.name, now=now)
        stands = await consents.publish_wording(
            caller.organization_id, wording, actor=caller.name, now=now
        )
        return WordingOut.of(stands)

    @router.get("/consent-wordings", responses=problems(*REFUSED))
    async def list_wordings(
        request: Request,
        response: Response,
        caller: Annotated[Caller, require(Scope.SETTINGS_READ)],
        page: PageParams,
    ) -> list[WordingOut]:
        """The published words, oldest first."""
        found, total = await consents.list_wordings(
            caller.organization_id, limit=page.limit, offset=page.offset
        )
        set_page_headers(request, response, page, total=total)
        return [WordingOut.of(one) for one in found]
