"""The database: three roles, one transaction per use case.

`handbell_app` works under row-level security for one organisation at a time;
`handbell_engine` bypasses it for sweeps and for finding out whose key or number it is, and
never answers a request with rows; `handbell_owner` migrates.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final, NewType, cast

from sqlalchemy import MetaData, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import QueuePool

from handbell.platform.crypto import database_password
from handbell.platform.direct import Direct

OrganizationId = NewType("OrganizationId", int)

Tx = AsyncConnection
"""An open transaction. Whoever takes one never commits and never catches to go on."""

APP_ROLE: Final = "handbell_app"
ENGINE_ROLE: Final = "handbell_engine"


class Base(DeclarativeBase):
    """Parent of all row classes; constraints get names, because names are domain facts."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """Where each role connects. `owner` is the only one an operator has to give."""

    owner: str
    app: str
    engine: str


def urls_for(owner: str, encryption_key: str, *, app: str = "", engine: str = "") -> DatabaseUrls:
    """Fill in the roles' URLs that were not given, with passwords derived from the key."""
    return DatabaseUrls(
        owner=owner,
        app=app or _as_role(owner, APP_ROLE, encryption_key),
        engine=engine or _as_role(owner, ENGINE_ROLE, encryption_key),
    )


def _as_role(owner: str, role: str, encryption_key: str) -> str:
    password = database_password(encryption_key, role)
    url = make_url(owner).set(username=role, password=password)
    return url.render_as_string(hide_password=False)


def async_url(url: str) -> URL:
    """The same address for the asynchronous driver."""
    return make_url(url).set(drivername="postgresql+asyncpg")


FREE_WITHIN_SECONDS: Final = 5.0
"""How long a transaction waits for a connection when all are in use; then it is refused, so that
no queue of waiting requests builds up behind a slow database."""
_SESSION: Final = {"timezone": "UTC", "statement_timeout": "60000", "jit": "off"}


def connect(url: str, *, pool_size: int = 10) -> AsyncEngine:
    """Open a pool. Statements run 60 s at most.

    JIT is off: compiling our short statements costs ten times more than running them. A
    connection is not tried before each use, for that would be a fifth of the work: when the
    server has gone away one statement fails, and the whole pool begins anew.
    """
    return create_async_engine(
        async_url(url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=FREE_WITHIN_SECONDS,
        hide_parameters=True,
        connect_args={"server_settings": _SESSION},
    )


@asynccontextmanager
async def planned_once(tx: Tx) -> AsyncIterator[None]:
    """Statements inside keep the plan of their first run on a connection, whatever the values.

    For a large statement over few rows, whose planning costs several times its running.
    PostgreSQL plans anew by itself when the tables' statistics change.
    """
    await tx.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
    yield
    await tx.exec_driver_sql("SET LOCAL plan_cache_mode = auto")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolUse:
    """How many connections of a pool are in use, of how many at most, and how often none was
    free for a transaction."""

    name: str
    in_use: int
    size: int
    refused: int


class Pool:
    """Connections of one role, with a breaker: when somebody has waited in vain for a free one,
    the next are refused at once until one is free again, and do not wait as long."""

    def __init__(self, name: str, connections: AsyncEngine) -> None:
        self._name = name
        self.connections = connections
        self._is_exhausted = False
        self._refused = 0

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Tx]:
        """A transaction. Raises SQLAlchemy's `TimeoutError` where no connection is free."""
        if self._is_exhausted and self.use().in_use >= self.use().size:
            self._refused += 1
            raise NoConnectionFree
        self._is_exhausted = False
        async with AsyncExitStack() as stack:
            try:
                tx = await stack.enter_async_context(self.connections.begin())
            except NoConnectionFree:
                self._is_exhausted = True
                self._refused += 1
                raise
            yield tx

    def use(self) -> PoolUse:
        pool = cast("QueuePool", self.connections.pool)
        return PoolUse(
            name=self._name,
            in_use=pool.checkedout(),
            size=pool.size() + pool._max_overflow,  # noqa: SLF001 - it has no other name
            refused=self._refused,
        )

    async def dispose(self) -> None:
        await self.connections.dispose()


class Database:
    """Hands out transactions. A `return` inside the block commits before the caller hears."""

    def __init__(self, app: AsyncEngine, engine: AsyncEngine, direct: Direct) -> None:
        self.app_pool = Pool("app", app)
        self.engine_pool = Pool("engine", engine)
        self.direct = direct
        """Single statements as the engine. Never answer a request with their rows."""

    @classmethod
    def open(cls, urls: DatabaseUrls, *, pool_size: int = 10) -> "Database":
        return cls(
            connect(urls.app, pool_size=pool_size),
            connect(urls.engine, pool_size=pool_size),
            Direct(urls.engine),
        )

    @asynccontextmanager
    async def transaction(self, organization_id: OrganizationId) -> AsyncIterator[Tx]:
        """One use case of one organisation; rows of the others do not exist in it."""
        async with self.app_pool.begin() as tx:
            await tx.execute(
                text("SELECT set_config('handbell.organization_id', :id, true)"),
                {"id": str(organization_id)},
            )
            yield tx

    @asynccontextmanager
    async def engine_transaction(self) -> AsyncIterator[Tx]:
        """A sweep or a look-up over all organisations. Never answer a request with its rows."""
        async with self.engine_pool.begin() as tx:
            yield tx

    def pools(self) -> tuple[PoolUse, ...]:
        """How full the pools of this process are."""
        return self.app_pool.use(), self.engine_pool.use()

    async def close(self) -> None:
        await self.app_pool.dispose()
        await self.engine_pool.dispose()
        await self.direct.close()
