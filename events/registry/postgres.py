"""The registry in a PostgreSQL database of its own.

One row of `registry.meta` holds the highest serial ever issued. Whoever makes keys locks that row until its
transaction ends, so serials have no gaps, become visible in rising order, and never fall after an erasure.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import asyncpg

from events.registry.contract import Key, RegistryUnavailable, RegistryUnfit, check_ledger
from events.registry.key_cache import KeyCache
from events.registry.master_key import MasterKey
from events.sealing import KEY_BYTES

REGISTRY_SCHEMA = "registry"
"""The views refuse a database that holds this schema."""

VIEWS_SCHEMA = "ledger_index"
"""The registry refuses a database that holds this schema: the views may be thrown away, the registry never."""

FORMAT = 1
CACHED_KEYS = 50_000
"""Keys held in memory: about 25 MB."""

BATCH = 2_000
"""State ids or serials in one transaction: the event loop is held for some 50 ms by each."""

CONNECT_SECONDS = 30.0
CLOSE_SECONDS = 10.0
_ADVISORY_LOCK = 0x7265676973747279  # "registry" in ASCII

_SERIAL_LIMIT = 2**63
_Item = TypeVar("_Item")

_POOL_OPTIONS = {
    "min_size": 0,
    "max_size": 4,
    "timeout": CONNECT_SECONDS,
    "command_timeout": 60.0,
    "server_settings": {
        "application_name": "transcript-ledger registry",
        "synchronous_commit": "on",
        "plan_cache_mode": "force_custom_plan",  # tables grow from nothing under one connection; so must its plans
        "lock_timeout": "30s",
        # A stopped process must not keep the row that all enrolments need.
        "idle_in_transaction_session_timeout": "5s",
    },
}

_UNFIT = (
    ValueError,  # from asyncpg: the DSN is none
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.SyntaxOrAccessError,  # no right, or a table is not as it was made
)
_UNAVAILABLE = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.PostgresError)

_TABLES = """
create schema registry;
create table registry.meta (
    only_row boolean primary key default true check (only_row),
    format integer not null,
    fingerprint text not null,
    state_system text not null,
    ledger uuid,
    highest_serial bigint not null default 0,
    created timestamptz not null default now()
);
create table registry.keys (
    serial bigint primary key,
    owner uuid not null unique,
    wrapped bytea not null
);
create table registry.students (
    identifier bytea primary key,
    ref uuid not null unique references registry.keys (owner)
);
"""

_KNOWN = """
select identifier, serial, owner, wrapped from registry.students join registry.keys on owner = ref
where identifier = any($1::bytea[])
"""
_HELD = "select serial, owner, wrapped from registry.keys where serial = any($1::bigint[])"
_OWNED = "select serial, owner, wrapped from registry.keys where owner = $1"
_LOCK = "select from registry.meta for update"
_TAKE_SERIALS = "update registry.meta set highest_serial = highest_serial + $1 returning highest_serial"
_ADD_KEYS = (
    "insert into registry.keys (serial, owner, wrapped) select * from unnest($1::bigint[], $2::uuid[], $3::bytea[])"
)
_ADD_STUDENTS = "insert into registry.students (identifier, ref) select * from unnest($1::bytea[], $2::uuid[])"


class PostgresRegistry:
    """`Registry` in PostgreSQL 15 or newer. One object serves one event loop; any number of processes may share it."""

    def __init__(self, pool: asyncpg.Pool, place: str, master: MasterKey, state_system: str) -> None:
        self._pool = pool
        self._place = place
        self._master = master
        self._state_system = state_system
        self._cache = KeyCache(CACHED_KEYS)

    @classmethod
    async def open(
        cls, dsn: str, *, master: MasterKey, ledger: UUID | None = None, state_system: str = ""
    ) -> "PostgresRegistry":
        """Connect, make the tables at the first time, and check that registry, master key and ledger go together.

        `state_system` names what the state ids are; it is part of each stored identifier. Raises RegistryUnfit or
        RegistryUnavailable.
        """
        place = place_of(dsn)
        async with _translated_errors(place):
            pool = await asyncpg.create_pool(dsn, **_POOL_OPTIONS)
        registry = cls(pool, place, master, state_system)
        try:
            await registry._prepare()
            if ledger is not None:
                await registry.bind(ledger)
        except BaseException:
            await registry.close()
            raise
        return registry

    async def bind(self, ledger: UUID) -> None:
        async with self._transaction() as connection:
            await connection.execute("update registry.meta set ledger = $1 where ledger is null", ledger)
            check_ledger(await connection.fetchval("select ledger from registry.meta"), ledger)

    async def enrol(self, state_ids: Sequence[str]) -> dict[str, Key]:
        enrolled: dict[str, Key] = {}
        for some_ids in _batches(state_ids):
            identifiers = self._identifiers(some_ids)
            async with self._transaction() as connection:
                keys = await self._known_or_new(connection, set(identifiers.values()))
            enrolled |= {state_id: keys[identifier] for state_id, identifier in identifiers.items()}
        return enrolled

    async def find(self, state_ids: Sequence[str]) -> dict[str, Key]:
        found: dict[str, Key] = {}
        for some_ids in _batches(state_ids):
            identifiers = self._identifiers(some_ids)
            erasures = self._cache.erasures
            async with self._connection() as connection:
                keys = await self._known(connection, identifiers.values())
            self._cache.put(keys.values(), erasures)
            found |= {state_id: keys[known] for state_id, known in identifiers.items() if known in keys}
        return found

    async def issue(self, owner: UUID) -> Key:
        async with self._transaction() as connection:
            row = await connection.fetchrow(_OWNED, owner)
            if row is None:
                await connection.execute(_LOCK)
                row = await connection.fetchrow(_OWNED, owner)
            return self._opened(row) if row else (await self._add_keys(connection, [owner]))[0]

    async def keys(self, serials: Sequence[int]) -> dict[int, Key]:
        wanted = {serial for serial in serials if 0 < serial < _SERIAL_LIMIT}
        keys = self._cache.get(wanted)
        for missing in _batches(sorted(wanted - keys.keys())):
            erasures = self._cache.erasures
            async with self._connection() as connection:
                rows = await connection.fetch(_HELD, missing)
            fetched = [self._opened(row) for row in rows]
            self._cache.put(fetched, erasures)
            keys |= {key.serial: key for key in fetched}
        return keys

    async def erase(self, owner: UUID) -> None:
        try:
            async with self._transaction() as connection:
                await connection.execute("delete from registry.students where ref = $1", owner)
                await connection.execute("delete from registry.keys where owner = $1", owner)
        finally:  # whether or not the answer came through
            self._cache.forget(owner)

    async def last_serial(self) -> int:
        async with self._transaction() as connection:
            return int(await connection.fetchval("select highest_serial from registry.meta"))

    async def close(self) -> None:
        try:
            await asyncio.wait_for(self._pool.close(), CLOSE_SECONDS)
        except TimeoutError:
            self._pool.terminate()

    async def _prepare(self) -> None:
        async with self._transaction() as connection:
            await connection.execute("select pg_advisory_xact_lock($1)", _ADVISORY_LOCK)
            if await connection.fetchval("select to_regnamespace($1) is not null", VIEWS_SCHEMA):
                raise RegistryUnfit(
                    f"The database {self._place} holds the ledger's views, which may be dropped at any time; the "
                    "registry never. Give the registry a database of its own."
                )
            if await connection.fetchval("show fsync") != "on":
                raise RegistryUnfit(
                    f"The server of {self._place} runs with fsync=off: a power cut could take keys that the log "
                    "already relies on. Set fsync=on."
                )
            if await connection.fetchval("select to_regclass('registry.meta') is null"):
                await connection.execute(_TABLES)
                await connection.execute(
                    "insert into registry.meta (format, fingerprint, state_system) values ($1, $2, $3)",
                    FORMAT, self._master.fingerprint, self._state_system,
                )  # fmt: skip
            self._check_meta(await connection.fetchrow("select format, fingerprint, state_system from registry.meta"))

    def _check_meta(self, meta: asyncpg.Record) -> None:
        here = f"The registry in {self._place}"
        if meta["format"] != FORMAT:
            raise RegistryUnfit(f"{here} has format {meta['format']}; this program knows {FORMAT}. Use a newer one.")
        if meta["fingerprint"] != self._master.fingerprint:
            raise RegistryUnfit(
                f"{here} was made with the master key of fingerprint {meta['fingerprint']}, but the one given has "
                f"{self._master.fingerprint}. Give the right master key, or the right registry."
            )
        if meta["state_system"] != self._state_system:
            raise RegistryUnfit(
                f"{here} holds the ids of state system {meta['state_system']!r}, not of {self._state_system!r}. "
                "Correct the setting, or name the right registry."
            )

    def _identifiers(self, state_ids: Sequence[str]) -> dict[str, bytes]:
        return {state_id: self._master.identifier_of(self._state_system, state_id) for state_id in state_ids}

    async def _known(self, connection: asyncpg.Connection, identifiers: Collection[bytes]) -> dict[bytes, Key]:
        return {row["identifier"]: self._opened(row) for row in await connection.fetch(_KNOWN, identifiers)}

    async def _known_or_new(self, connection: asyncpg.Connection, identifiers: set[bytes]) -> dict[bytes, Key]:
        keys = await self._known(connection, identifiers)
        if len(keys) < len(identifiers):
            await connection.execute(_LOCK)
            keys |= await self._known(connection, identifiers - keys.keys())
            keys |= await self._add_students(connection, sorted(identifiers - keys.keys()))
        return keys

    async def _add_students(self, connection: asyncpg.Connection, identifiers: Sequence[bytes]) -> dict[bytes, Key]:
        keys = await self._add_keys(connection, [uuid4() for _ in identifiers])
        await connection.execute(_ADD_STUDENTS, identifiers, [key.owner for key in keys])
        return dict(zip(identifiers, keys, strict=True))

    async def _add_keys(self, connection: asyncpg.Connection, owners: Sequence[UUID]) -> list[Key]:
        """Make a key for each owner. The transaction must hold the lock of `_LOCK`."""
        last = await connection.fetchval(_TAKE_SERIALS, len(owners))
        serials = range(last - len(owners) + 1, last + 1)
        keys = [Key(serial, owner, os.urandom(KEY_BYTES)) for serial, owner in zip(serials, owners, strict=True)]
        wrapped = [self._master.wrap(key.serial, key.owner, key.material) for key in keys]
        await connection.execute(_ADD_KEYS, serials, owners, wrapped)
        return keys

    def _opened(self, row: asyncpg.Record) -> Key:
        serial, owner = row["serial"], row["owner"]
        return Key(serial, owner, self._master.unwrap(serial, owner, row["wrapped"]))

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        async with (
            _translated_errors(self._place),
            self._pool.acquire(timeout=CONNECT_SECONDS) as connection,
        ):
            yield connection

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[asyncpg.Connection]:
        async with self._connection() as connection, connection.transaction():
            yield connection


def place_of(dsn: str) -> str:
    """Return host and database of a DSN, for messages: never the user or the password."""
    try:
        parts = urlsplit(dsn)
    except ValueError:
        return "an unreadable DSN"
    if parts.scheme not in ("postgresql", "postgres"):
        return "a DSN that does not begin with postgresql://"
    host = parts.netloc.rpartition("@")[2] or parse_qs(parts.query).get("host", ["this machine"])[0]
    return f"{host}{parts.path}"


def _batches(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    return (items[first : first + BATCH] for first in range(0, len(items), BATCH))


@asynccontextmanager
async def _translated_errors(place: str) -> AsyncIterator[None]:
    try:
        yield
    except _UNFIT as error:
        raise RegistryUnfit(
            f"The registry in {place} cannot be used: {_said(error)}. Correct the database, or the DSN that names it."
        ) from error
    except _UNAVAILABLE as error:
        raise RegistryUnavailable(
            f"The registry in {place} cannot be reached now: {_said(error)}. Nothing was lost; try again."
        ) from error


def _said(error: Exception) -> str:
    """Return what the other side said, without a password or a row's values (PostgreSQL's DETAIL may hold these)."""
    if isinstance(error, ValueError):
        return "its DSN is not understood"
    if isinstance(error, asyncpg.InterfaceError) and isinstance(error.__context__, asyncpg.PostgresError):
        error = error.__context__  # what ended the transaction; asyncpg tells only that it cannot roll it back
    if isinstance(error, asyncpg.PostgresError):
        return str(error.args[0]) if error.args else type(error).__name__
    return str(error) or type(error).__name__
