"""What a serving process says of itself: alive, ready and how far, and numbers for Prometheus."""

import asyncio
from dataclasses import dataclass, field

import asyncpg
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from events.log.contract import LogError
from projections import index
from projections.index_queries import list_projections
from projections.ots_status import statuses
from projections.upload_queries import open_uploads
from services.ledger import Ledger

STALL_SECONDS = 30.0
"""A follower that stands still for so long although the log goes on is not ready."""

UNREACHABLE = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, LogError)


@dataclass
class Progress:
    """When the views were last seen to move, or to be at the log's end."""

    position: int = -1
    since: float = field(default=0.0)


class Health:
    """Reads a ledger's state for the three pages."""

    def __init__(self, ledger: Ledger, roles: tuple[str, ...]) -> None:
        self._ledger = ledger
        self._roles = roles
        self._progress = Progress(since=asyncio.get_running_loop().time())
        self._metrics = CollectorRegistry()
        self._log_end = self._gauge("ledger_log_end", "The position that the next record gets")
        self._views = self._gauge("ledger_views_position", "The next position that the views fold")
        self._parked = self._gauge("ledger_views_parked", "Views that stopped at an event")
        self._uploads = self._gauge("ledger_uploads_waiting", "Uploads received and not done")
        self._ots = self._gauge("ledger_ots_graduates", "Graduates by status of their official transcript", ["status"])

    def _gauge(self, name: str, what: str, labels: list[str] | None = None) -> Gauge:
        return Gauge(name, what, labels or [], registry=self._metrics)

    def app(self) -> Starlette:
        """Return the three pages as an ASGI application."""
        return Starlette(
            routes=[
                Route("/healthz", self.healthz),
                Route("/readyz", self.readyz),
                Route("/metrics", self.metrics),
            ]
        )

    async def healthz(self, _request: Request) -> Response:
        """Answer as long as the event loop turns and the follower has not given up."""
        following = self._ledger.following
        if following is not None and following.done():
            return PlainTextResponse("the follower has stopped; see the log\n", status_code=503)
        return PlainTextResponse("ok\n")

    async def readyz(self, _request: Request) -> Response:
        """Say how far the views are; 503 while one is parked, or while they stand still although the log goes on."""
        try:
            said = await self.state()
        except UNREACHABLE as error:
            return JSONResponse({"ready": False, "trouble": type(error).__name__}, status_code=503)
        return JSONResponse(said, status_code=200 if said["ready"] else 503)

    async def state(self) -> dict[str, object]:
        """Read positions, parked views and progress."""
        end = await self._ledger.log.end()
        async with self._ledger.pool.acquire() as connection:
            head = await index.read_head(connection)
            views = await list_projections(connection)
        moving = self._moves(head.next_position, end)
        parked = [view.name for view in views if view.error]
        return {
            "ready": moving and not parked,
            "ledger": self._ledger.short_id,
            "roles": list(self._roles),
            "position": head.next_position - 1,
            "log_end": end,
            "behind": max(0, end - head.next_position),
            "moving": moving,
            "leading": self._ledger.follower.progress.leading,
            "trouble": self._ledger.follower.progress.trouble,
            "parked": parked,
        }

    def _moves(self, position: int, end: int) -> bool:
        """Whether the views are at the end, or moved within the last half minute."""
        now = asyncio.get_running_loop().time()
        if position != self._progress.position or position >= end:
            self._progress = Progress(position, now)
        return now - self._progress.since < STALL_SECONDS

    async def metrics(self, _request: Request) -> Response:
        """Measure now and answer in Prometheus' text format; no label holds anything of a person."""
        try:
            await self._measure()
        except UNREACHABLE as error:
            return PlainTextResponse(f"cannot measure now: {type(error).__name__}\n", status_code=503)
        return Response(generate_latest(self._metrics), media_type=CONTENT_TYPE_LATEST)

    async def _measure(self) -> None:
        self._log_end.set(await self._ledger.log.end())
        async with self._ledger.pool.acquire() as connection:
            self._views.set((await index.read_head(connection)).next_position)
            self._parked.set(sum(bool(view.error) for view in await list_projections(connection)))
            self._uploads.set(len(await open_uploads(connection)))
            found = await statuses(connection)
        for status in ("Q", "S", "R"):
            self._ots.labels(status).set(sum(one.status == status for one in found))
