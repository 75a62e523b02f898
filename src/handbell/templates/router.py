"""`/comm/templates`: the texts that an organisation may send, its own and the library's."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from handbell.access.types import Caller, Scope
from handbell.organizations.errors import OrganizationNotFound
from handbell.platform.clock import Clock
from handbell.platform.errors import HandbellError
from handbell.platform.http import (
    GUARDED,
    REFUSED,
    InvalidRequest,
    PageParams,
    PathId,
    problems,
    require,
    set_page_headers,
)
from handbell.platform.vocabulary import Channel, Purpose
from handbell.templates.errors import (
    NothingToPublish,
    ProviderUnknown,
    TemplateArchived,
    TemplateMalformed,
    TemplateNotFound,
    TemplateNotPublishable,
    TemplateOfLibrary,
    TemplateSyntax,
    TemplateVersionNotFound,
    UnknownVariable,
)
from handbell.templates.schemas import (
    FindingOut,
    PublishIn,
    TemplateChangeIn,
    TemplateIn,
    TemplateOut,
    VariableOut,
    VersionOut,
    variables_out,
)
from handbell.templates.service import Preview, TemplateService, Writer
from handbell.templates.types import TemplateFilter

Reader = Annotated[Caller, require(Scope.TEMPLATES_READ)]
Author = Annotated[Caller, require(Scope.TEMPLATES_WRITE)]
LanguageTag = Annotated[str, Query(pattern=r"^[A-Za-z0-9-]{1,35}$")]
Number = Annotated[int, Query(ge=1, le=2**31 - 1)]
UNUSABLE: Final[tuple[type[HandbellError], ...]] = (
    InvalidRequest,
    UnknownVariable,
    TemplateSyntax,
    TemplateMalformed,
    TemplateNotPublishable,
    OrganizationNotFound,
)


def _wanted(
    purpose: Purpose | None = None,
    channel: Channel | None = None,
    language: LanguageTag | None = None,
    *,
    is_active: bool | None = None,
) -> TemplateFilter:
    return TemplateFilter(purpose=purpose, channel=channel, language=language, is_active=is_active)


Wanted = Annotated[TemplateFilter, Depends(_wanted)]


def templates_router(templates: TemplateService, clock: Clock) -> APIRouter:
    """Texts hold no patient's data: reading them is not recorded, writing is."""
    router = APIRouter(prefix="/comm/templates", tags=["templates"])
    _add_reading(router, templates)
    _add_history(router, templates)
    _add_writing(router, templates, clock)
    _add_publishing(router, templates, clock)
    return router


def variables_router() -> APIRouter:
    """The catalogue of variables."""
    router = APIRouter(prefix="/comm/template-variables", tags=["templates"])

    @router.get("", responses=problems(*REFUSED))
    async def list_variables(
        request: Request,
        response: Response,
        _caller: Reader,
        page: PageParams,
        purpose: Purpose | None = None,
    ) -> list[VariableOut]:
        """What templates may use, all of it or for one purpose."""
        found = variables_out(purpose)
        set_page_headers(request, response, page, total=len(found))
        return found[page.offset : page.offset + page.limit]

    return router


def _add_reading(router: APIRouter, templates: TemplateService) -> None:
    @router.get("", responses=problems(*REFUSED))
    async def list_templates(
        request: Request, response: Response, caller: Reader, page: PageParams, wanted: Wanted
    ) -> list[TemplateOut]:
        """Templates, oldest first. `is_active` true gives what is in use, false drafts that
        were never published and what is archived; without it all that is not archived."""
        found, total = await templates.list(
            caller.organization_id, wanted, limit=page.limit, offset=page.offset
        )
        set_page_headers(request, response, page, total=total)
        return [TemplateOut.of(template) for template in found]

    @router.get("/{template_id}", responses=problems(*REFUSED, TemplateNotFound))
    async def get_template(template_id: PathId, caller: Reader) -> TemplateOut:
        """One template."""
        return TemplateOut.of(await templates.get(caller.organization_id, template_id))


def _add_history(router: APIRouter, templates: TemplateService) -> None:
    found_in = problems(*REFUSED, TemplateNotFound, TemplateVersionNotFound)

    @router.get("/{template_id}/versions", responses=problems(*REFUSED, TemplateNotFound))
    async def list_versions(
        request: Request,
        response: Response,
        template_id: PathId,
        caller: Reader,
        page: PageParams,
    ) -> list[VersionOut]:
        """Everything that was ever published of it, newest first."""
        found, total = await templates.list_versions(
            caller.organization_id, template_id, limit=page.limit, offset=page.offset
        )
        set_page_headers(request, response, page, total=total)
        return [VersionOut.of(version) for version in found]

    @router.get("/{template_id}/versions/{no}", responses=found_in)
    async def get_version(template_id: PathId, no: PathId, caller: Reader) -> VersionOut:
        """One published version."""
        wanted = min(no, 2**31 - 1)
        _, version = await templates.get_version(caller.organization_id, template_id, wanted)
        return VersionOut.of(version)

    @router.get("/{template_id}/diff", responses=found_in)
    async def get_diff(
        template_id: PathId, caller: Reader, old: Number, new: Number
    ) -> dict[str, str]:
        """What version `new` changed of version `old`: a unified diff for each part that
        differs."""
        return await templates.diff(caller.organization_id, template_id, old, new)


def _add_writing(router: APIRouter, templates: TemplateService, clock: Clock) -> None:
    @router.post(
        "",
        status_code=HTTPStatus.CREATED,
        responses=problems(*GUARDED, ProviderUnknown, *UNUSABLE),
    )
    async def create_template(body: TemplateIn, caller: Author) -> TemplateOut:
        """Write a new template: a draft, or with `is_active` published at once."""
        who = await _writer(caller, clock)
        template = body.to_template(caller.organization_id, now=who.now)
        return TemplateOut.of(await templates.create(who, template, accept=body.overruled()))

    @router.put(
        "/{template_id}",
        responses=problems(
            *GUARDED, TemplateNotFound, TemplateOfLibrary, TemplateArchived, *UNUSABLE
        ),
    )
    async def edit_template(
        template_id: PathId, body: TemplateChangeIn, caller: Author
    ) -> TemplateOut:
        """Change the draft, or with `is_active` the published text; false archives."""
        body.check_owner(caller.organization_id)
        who = await _writer(caller, clock)
        if body.is_active is False:
            await templates.archive(who, template_id)
            return TemplateOut.of(await templates.get(caller.organization_id, template_id))
        before = await templates.get(caller.organization_id, template_id)
        change = body.to_change(before)
        return TemplateOut.of(
            await templates.edit(who, template_id, change, accept=body.overruled())
        )

    @router.delete(
        "/{template_id}",
        status_code=HTTPStatus.NO_CONTENT,
        responses=problems(*GUARDED, TemplateNotFound, TemplateOfLibrary),
    )
    async def archive_template(template_id: PathId, caller: Author) -> None:
        """Take it out of use. Messages that are planned with it keep their version."""
        await templates.archive(await _writer(caller, clock), template_id)


def _add_publishing(router: APIRouter, templates: TemplateService, clock: Clock) -> None:
    @router.post(
        "/{template_id}/publish",
        responses=problems(
            *GUARDED,
            TemplateNotFound,
            TemplateOfLibrary,
            TemplateArchived,
            NothingToPublish,
            InvalidRequest,
            TemplateNotPublishable,
        ),
    )
    async def publish_template(
        template_id: PathId, body: PublishIn, caller: Author
    ) -> TemplateOut:
        """Make the draft the newest version, unless it breaks a rule."""
        who = await _writer(caller, clock)
        return TemplateOut.of(await templates.publish(who, template_id, accept=body.accept))

    @router.get("/{template_id}/preview", responses=problems(*REFUSED, TemplateNotFound))
    async def preview_with_samples(template_id: PathId, caller: Reader) -> Preview:
        """The draft, or what is published, with invented values: text, length, cost, level."""
        return await templates.preview(await _writer(caller, clock), template_id)

    @router.get("/{template_id}/findings", responses=problems(*REFUSED, TemplateNotFound))
    async def list_findings(
        request: Request, response: Response, template_id: PathId, caller: Reader, page: PageParams
    ) -> list[FindingOut]:
        """What keeps it from being published, each with its place; empty if it may be."""
        found = await templates.check(await _writer(caller, clock), template_id)
        set_page_headers(request, response, page, total=len(found))
        shown = found[page.offset : page.offset + page.limit]
        return [FindingOut.model_validate(one.to_details()) for one in shown]


async def _writer(caller: Caller, clock: Clock) -> Writer:
    return Writer(organization_id=caller.organization_id, actor=caller.name, now=await clock.now())
