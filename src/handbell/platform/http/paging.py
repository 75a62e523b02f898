"""Lists are bare arrays; the number of all and the neighbouring pages stand in headers."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Path, Query, Request, Response

MOST: Final = 200
PathId = Annotated[int, Path(ge=1, le=2**63 - 1)]
"""Our id of something, in a path."""


@dataclass(frozen=True, slots=True)
class Page:
    """At most `limit` rows after the first `offset`."""

    limit: int
    offset: int


def _page(
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Page:
    return Page(limit, offset)


PageParams = Annotated[Page, Depends(_page)]


def set_page_headers(request: Request, response: Response, page: Page, *, total: int) -> None:
    """Set `X-Total-Count` and, where there are neighbours, `Link` (RFC 8288)."""
    response.headers["X-Total-Count"] = str(total)
    links = []
    if page.offset > 0:
        links.append(_link(request, page, max(0, page.offset - page.limit), "prev"))
    if page.offset + page.limit < total:
        links.append(_link(request, page, page.offset + page.limit, "next"))
    if links:
        response.headers["Link"] = ", ".join(links)


def _link(request: Request, page: Page, offset: int, rel: str) -> str:
    url = request.url.include_query_params(limit=page.limit, offset=offset)
    return f'<{url.path}?{url.query}>; rel="{rel}"'
