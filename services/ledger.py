"""The open ledger: what every command of a process works with."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from events.commit import Commit, Genesis, StoredEvent, encode, short
from events.log.contract import MAX_RECORD_BYTES, AppendRefused, AppendUnknown, Log, LogError, LogUnfit
from events.registry.contract import Key, Registry, RegistryError
from events.sealing import event_context, seal
from events.stored import Event, Standing, store
from projections import catch_up, index
from projections.database import Connection, Pool
from projections.follower import Follower
from projections.index import Settled
from projections.opening import Keyring, OpenCommit, owners
from projections.verdicts import Verdicts
from projections.views import PROJECTIONS
from schemas.reference import ReferenceTable
from services.blobs import BlobStore

VERDICT_SECONDS = 30.0


class OutcomeUnknown(Exception):
    """Whether the command took effect cannot be told now. Repeating it under the same id is always safe."""

    def __init__(self, command: UUID, why: str) -> None:
        self.command = command
        super().__init__(
            f"whether command {command} took effect is not known: {why}. "
            f"Ask with `ledger verdict {command}`, or repeat it with `--command-id {command}`."
        )


class ViewStopped(Exception):
    """A view cannot answer because it stopped at an event that it cannot fold."""


class CommitTooLarge(Exception):
    """One command's outcome is larger than a record may be; it is held, never split."""


@dataclass(frozen=True, slots=True)
class Written:
    """An event with what it says in clear about its stream afterwards."""

    event: Event
    standing: Standing | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A commit before its bytes: who wants what on which stream, on which version."""

    stream: str
    expected: int
    command: UUID
    events: Sequence[Written]
    key: Key | None
    reason: str = ""
    cause: UUID | None = None
    rules: str = ""
    layout: str = ""
    references: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Ledger:
    """Log, registry, blobs and views of one ledger, and the follower that keeps the views at the log's end."""

    genesis: Genesis
    log: Log
    registry: Registry
    blobs: BlobStore
    pool: Pool
    keyring: Keyring
    verdicts: Verdicts
    follower: Follower
    actor: str
    clock: Callable[[], datetime]
    max_upload_bytes: int = 1 << 30
    views_dsn: str = field(default="", repr=False)
    tables: dict[str, ReferenceTable] = field(default_factory=dict, repr=False)
    """Reference tables that this process has opened, by the digest of their blob."""
    following: "asyncio.Task[None] | None" = field(default=None, repr=False)

    @property
    def short_id(self) -> str:
        """The ledger's short id, printed beside positions."""
        return short(self.genesis.ledger)

    def today(self) -> date:
        """The day that checks take as today."""
        return self.clock().date()

    async def events_of(self, stream: str, below: int | None = None) -> list[OpenCommit]:
        """Return a stream's standing commits, oldest first, with their keys."""
        async with self.pool.acquire() as connection:
            kept = await index.stream_commits(connection, [stream], below)
            erased = await index.erased_among(connection, owners(kept))
        return await self.keyring.open(kept, erased)

    async def append(self, draft: Draft) -> Settled:
        """Append a commit and return its verdict once every view has passed it.

        Raises AppendRefused when it is certainly not in the log, OutcomeUnknown when that cannot be told,
        CommitTooLarge before anything is sent, and LogUnfit for a verdict that no further attempt can mend.
        """
        data = encode(self.commit(draft))
        if len(data) > MAX_RECORD_BYTES:
            raise CommitTooLarge(f"the commit has {len(data)} bytes, at most {MAX_RECORD_BYTES} fit into a record")
        if error := self.stopped():
            raise AppendRefused(f"nothing was sent, since the views stopped: {explained(error)}")
        try:
            position = await self.log.append(data)
        except AppendUnknown as unknown:
            raise OutcomeUnknown(draft.command, str(unknown)) from unknown
        settled = await self.verdict(draft.command, position)
        if not settled.stands and settled.verdict != "stale-version":
            raise LogUnfit(
                f"the commit at position {settled.position} is void: {settled.verdict}. This log is not the one that "
                "was opened; stop all writers and run `ledger fsck`"
            )
        return settled

    async def verdict(self, command: UUID, position: int) -> Settled:
        """Wait until the views have passed a record. Raises OutcomeUnknown when they do not come that far."""
        waiting = asyncio.ensure_future(self.verdicts.of(command, position))
        watched = {waiting, self.following} if self.following is not None else {waiting}
        try:
            await asyncio.wait(watched, timeout=VERDICT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        ended = waiting.done() and not waiting.cancelled()
        fault = waiting.exception() if ended else None
        if ended and fault is None:
            return waiting.result()
        if isinstance(fault, LogUnfit):
            raise OutcomeUnknown(command, str(fault)) from fault
        why = "the views do not follow the log now"
        if error := self.stopped():
            why = f"the views stopped: {explained(error)}"
        elif fault is not None:
            why = f"the views cannot be asked: {explained(fault)}"
        raise OutcomeUnknown(command, f"it is in the log at position {position}, but {why}")

    def commit(self, draft: Draft) -> Commit:
        """Give a draft its stored form: sealed, signed by its actor, dated."""
        return Commit(
            ledger=self.genesis.ledger,
            stream=draft.stream,
            expected=draft.expected,
            command=draft.command,
            events=tuple(self.stored(draft, number) for number in range(len(draft.events))),
            actor=self.actor,
            time=self.clock(),
            key=draft.key.serial if draft.key else 0,
            sealed_reason=self.sealed_reason(draft),
            cause=draft.cause,
            rules=draft.rules,
            layout=draft.layout,
            references=dict(draft.references),
        )

    def stored(self, draft: Draft, number: int) -> StoredEvent:
        """Give one event its stored form."""
        written = draft.events[number]
        context = event_context(self.genesis.ledger, draft.stream, draft.expected + number + 1)
        return store(written.event, written.standing, draft.key.material if draft.key else b"", context)

    def sealed_reason(self, draft: Draft) -> bytes:
        """Seal why somebody did this: a person may write a name into it. Version 0 is no event's."""
        if not draft.reason or draft.key is None:
            return b""
        context = event_context(self.genesis.ledger, draft.stream, 0) + draft.command.bytes
        return seal(draft.key.material, draft.reason.encode(), context=context)

    def stopped(self) -> BaseException | None:
        """Return why the follower stopped, None where it goes on or was told to stop."""
        if self.following is None or not self.following.done() or self.following.cancelled():
            return None
        return self.following.exception()

    async def caught_up(self) -> int:
        """Wait until the views have passed everything that lies in the log now; return the position reached.

        Views that stopped at an event are not waited for (see `require`).
        """
        end = await self.log.end()
        deadline = asyncio.get_running_loop().time() + VERDICT_SECONDS
        while True:
            async with self.pool.acquire() as connection:
                reached = await catch_up.reached(connection, PROJECTIONS)
            if reached >= end:
                return reached
            if error := self.stopped():
                raise error
            if asyncio.get_running_loop().time() > deadline:
                raise ViewStopped(f"the views are at position {reached}, the log ends at {end}: they do not follow")
            await asyncio.sleep(0.01)

    async def require(self, connection: Connection, view: str) -> None:
        """Raise ViewStopped when a view does not stand where the index stands, so that nobody reads old rows as new."""
        row = await connection.fetchrow(
            "select projections.*, head.next_position as head from head, projections where name = $1", view
        )
        if row is not None and row["error"] is not None:
            raise ViewStopped(
                f"the view {view!r} stopped at position {row['error_position']}: {row['error']}. The other views go "
                f"on. Repair the cause, then run `ledger projections retry {view}`."
            )
        if row is not None and row["next_position"] < row["head"]:
            raise ViewStopped(
                f"the view {view!r} is being brought forward: it is at {row['next_position']}, the others are at "
                f"{row['head']}. Try again later; `ledger projections` shows how far it is."
            )


def explained(error: BaseException) -> str:
    """Return what our own errors say; of others only the kind, since their text may quote a row."""
    return str(error) if isinstance(error, LogError | RegistryError) else type(error).__name__
