"""`/comm/templates`: the texts that an organisation may send, its own and the library's."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from handbell.access.types import Caller, Scope
from handbell.platform.http import (
    REFUSED,
    PageParams,
    PathId,
    problems,
    require,
    set_page_headers,
)
from handbell.platform.vocabulary import Channel, Purpose
from handbell.templates.errors import TemplateNotFound
from handbell.templates.schemas import TemplateOut
from handbell.templates.service import TemplateService
from handbell.templates.types import TemplateFilter

Reader = Annotated[Caller, require(Scope.TEMPLATES_READ)]
LanguageTag = Annotated[str, Query(pattern=r"^[A-Za-z0-9-]{1,35}$")]


def _wanted(
    purpose: Purpose | None = None,
    channel: Channel | None = None,
    language: LanguageTag | None = None,
    *,
    is_active: bool | None = None,
) -> TemplateFilter | None:
    """None where nothing can fit: what is published is active."""
    if is_active is False:
        return None
    return TemplateFilter(purpose=purpose, channel=channel, language=language)


Wanted = Annotated[TemplateFilter | None, Depends(_wanted)]


def templates_router(templates: TemplateService) -> APIRouter:
    """Texts hold no patient's data: reading them is not recorded."""
    router = APIRouter(prefix="/comm/templates", tags=["templates"])

    @router.get("", responses=problems(*REFUSED))
    async def list_templates(
        request: Request, response: Response, caller: Reader, page: PageParams, wanted: Wanted
    ) -> list[TemplateOut]:
        """The published texts, oldest first. All of them are active."""
        views, total = (
            ([], 0)
            if wanted is None
            else await templates.list(
                caller.organization_id, wanted, limit=page.limit, offset=page.offset
            )
        )
        set_page_headers(request, response, page, total=total)
        return [TemplateOut.of(view) for view in views]

    @router.get("/{template_id}", responses=problems(*REFUSED, TemplateNotFound))
    async def get_template(template_id: PathId, caller: Reader) -> TemplateOut:
        """One published text."""
        return TemplateOut.of(await templates.get(caller.organization_id, template_id))

    return router
