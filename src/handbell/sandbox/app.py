"""Puts the three providers and the control API together into one application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from fastapi import FastAPI

from handbell.platform.clock import Clock
from handbell.sandbox.answers import ProviderSaysNo, say_no
from handbell.sandbox.control import control_router
from handbell.sandbox.delivery import Courier
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

    app = FastAPI(title="Handbell sandbox", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.add_exception_handler(ProviderSaysNo, say_no)
    app.include_router(twilio_router(world))
    app.include_router(sendgrid_router(world, key))
    app.include_router(whatsapp_router(world, "/whatsapp"))
    app.include_router(whatsapp_router(world, "/whatsapp/{version}"))
    return app
