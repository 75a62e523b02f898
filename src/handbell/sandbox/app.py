"""Puts the three providers and the control API together into one application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import aiohttp
from fastapi import FastAPI, Request
from fastapi.exception_handlers import http_exception_handler
from starlette.exceptions import HTTPException
from starlette.responses import Response

from handbell.platform.clock import Clock
from handbell.sandbox import sendgrid, twilio, whatsapp
from handbell.sandbox.answers import ProviderSaysNo, say_no
from handbell.sandbox.control import control_router
from handbell.sandbox.delivery import Courier
from handbell.sandbox.record import Record, load
from handbell.sandbox.sendgrid import sendgrid_router
from handbell.sandbox.signing import load_private_key
from handbell.sandbox.twilio import twilio_router
from handbell.sandbox.types import SandboxConfig
from handbell.sandbox.whatsapp import whatsapp_router
from handbell.sandbox.world import World


def create_app(config: SandboxConfig, clock: Clock, *, simulated: bool) -> FastAPI:
    """The sandbox: base URLs `/twilio`, `/sendgrid` and `/whatsapp`, control at `/_sandbox`.

    In simulated time nothing happens by itself: actions wait for `POST /_sandbox/release`.
    """
    world = World(config=config, clock=clock, simulated=simulated)
    world.templates = {(name, language): body for name, language, body in config.templates}
    if config.record:
        world.received.extend(load(Path(config.record)))
        world.record = Record(Path(config.record))
    key = load_private_key(config.sendgrid_private_key)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        limit = aiohttp.ClientTimeout(total=15)
        async with aiohttp.ClientSession(timeout=limit) as session, asyncio.TaskGroup() as group:
            courier = Courier(world=world, session=session, key=key)
            app.include_router(control_router(world, courier))
            loop = None if simulated else group.create_task(courier.release_forever())
            yield
            if loop is not None:
                loop.cancel()
            if world.record is not None:
                world.record.close()

    app = FastAPI(title="Handbell sandbox", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.add_exception_handler(ProviderSaysNo, say_no)
    app.add_exception_handler(HTTPException, _no_such)
    app.include_router(twilio_router(world))
    app.include_router(sendgrid_router(world, key))
    app.include_router(whatsapp_router(world, "/whatsapp"))
    app.include_router(whatsapp_router(world, "/whatsapp/{version}"))
    return app


async def _no_such(request: Request, error: Exception) -> Response:
    """No path or no method: each provider says so in its own words."""
    if not isinstance(error, HTTPException):
        raise error
    is_method = error.status_code == HTTPStatus.METHOD_NOT_ALLOWED
    match request.url.path.split("/")[1]:
        case "twilio":
            return await say_no(request, twilio.refusal(20004 if is_method else 20404))
        case "sendgrid":
            words = "method not allowed" if is_method else "not found"
            return await say_no(request, sendgrid.refusal(error.status_code, words))
        case "whatsapp":
            return await say_no(request, whatsapp.refusal(33))
        case _:
            return await http_exception_handler(request, error)
