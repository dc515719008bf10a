"""Connections to the views' database: one PostgreSQL schema a projection, one search path for all of them."""

import asyncio
from collections.abc import Sequence
from typing import TypeAlias

import asyncpg

from events.log.contract import LogError
from events.registry.contract import RegistryError

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
REGISTRY_SCHEMA = "registry"


class ViewsUnfitError(Exception):
    """The database must not hold the views. The message says why and what to do."""


SERVER_TROUBLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # also when the server ends a session just before the next statement
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.LockNotAvailableError,
    asyncpg.PostgresSystemError,
    asyncpg.InvalidCachedStatementError,  # a table was switched in meanwhile
    OSError,
)
"""What a lost, full or busy server raises: try again, on a new connection."""

OUTSIDE_TROUBLE = (*SERVER_TROUBLE, LogError, RegistryError)
"""What no projection is to blame for."""

SESSION = {
    "idle_in_transaction_session_timeout": "5000",  # frees the rows that a stopped process still holds
    "jit": "off",
    "plan_cache_mode": "force_custom_plan",  # tables grow from nothing under one connection; so must its plans
    "timezone": "UTC",
    "application_name": "transcript-ledger",
}


def search_path(schemas: Sequence[str]) -> str:
    """Return a search path that finds every projection's tables by their plain names."""
    return ", ".join(schemas)


async def connect(dsn: str, schemas: Sequence[str]) -> Connection:
    """Open one connection that sees the given schemas."""
    return await asyncpg.connect(dsn, server_settings=SESSION | {"search_path": search_path(schemas)})


async def connect_pool(dsn: str, schemas: Sequence[str], *, size: int = 4) -> Pool:
    """Open a pool of connections that see the given schemas. It connects when it is asked, and never by itself."""
    settings = SESSION | {"search_path": search_path(schemas)}
    return await asyncpg.create_pool(dsn, min_size=0, max_size=size, server_settings=settings)


def being_cancelled() -> bool:
    """Whether the running task was asked to end: what a lost connection raises may take the place of that."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def refuse_registry_database(connection: Connection) -> None:
    """Raise ViewsUnfitError when the database holds a registry: views are thrown away, a registry never is."""
    if await connection.fetchval("select to_regnamespace($1) is not null", REGISTRY_SCHEMA):
        raise ViewsUnfitError(
            "this database holds a registry, which must outlive the views; name a database of its own for the views "
            "(LEDGER_VIEWS_DSN)"
        )
