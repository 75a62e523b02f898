"""A router alone, behind the same errors and authentication as in the product."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import httpx
from fastapi import APIRouter, FastAPI

from handbell.access.types import Caller, Role
from handbell.platform.clock import Clock
from handbell.platform.db import OrganizationId
from handbell.platform.http import install_authentication, install_problems


class Doors:
    """Lets in by role and organisation: `staff@1`."""

    async def authenticate(self, bearer: str, *, now: datetime) -> Caller:  # noqa: ARG002
        role, _, organization_id = bearer.partition("@")
        return Caller(
            organization_id=OrganizationId(int(organization_id)),
            name=f"key:{role}",
            role=Role(role),
        )


@asynccontextmanager
async def serving(router: APIRouter, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that has this router."""
    app = FastAPI()
    install_problems(app)
    install_authentication(app, Doors(), clock)
    app.include_router(router)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
