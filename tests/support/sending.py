"""A ledger whose clock a test may move, and files that are sent to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from events.upload import Mode
from projections.upload_queries import UploadRow, find_uploads
from schemas.layout import Variant
from schemas.problems import Problem
from services.auditing import audit
from services.commands import Target
from services.generate import GeneratedFile, Spec, generate
from services.intake.receive import Received, receive
from services.intake.work import work_queue
from services.ledger import Ledger
from services.reports import read_report
from services.targets import find_target
from services.wiring import open_ledger
from tests.support.graduates import June, settings_for


@dataclass(frozen=True)
class Desk:
    """An open ledger, its clock, and a folder for files."""

    ledger: Ledger
    clock: June
    folder: Path

    async def send(self, data: bytes, *, mode: Mode = "replace") -> UploadRow:
        """Upload a file, work it, and return what became of it."""
        path = self.folder / "students.txt"
        path.write_bytes(data)
        received = await receive(self.ledger, path, mode)
        assert isinstance(received, Received)
        await work_queue(self.ledger, received.upload)
        async with self.ledger.pool.acquire() as connection:
            (row,) = await find_uploads(connection, str(received.upload))
        return row

    async def problems(self, upload: UploadRow) -> list[Problem]:
        """Return what the upload's stored report found."""
        stored = await read_report(self.ledger, upload.upload, with_lines=False)
        assert stored is not None
        return list(stored.report.problems)

    async def target(self, state_id: str, *, bssy: str | None = None, sponsor: str | None = None) -> Target:
        """Return whose set is meant."""
        return await find_target(self.ledger, state_id, bssy=bssy, sponsor=sponsor)

    async def end(self) -> int:
        """Return the position that the next record gets."""
        return await self.ledger.log.end()

    async def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """Ask the views, which have seen everything that lies in the log."""
        await self.ledger.caught_up()
        async with self.ledger.pool.acquire() as connection:
            return [tuple(row) for row in await connection.fetch(query, *values)]


@asynccontextmanager
async def open_desk(folder: Path, views_dsn: str, registry_dsn: str) -> AsyncIterator[Desk]:
    """Open a ledger; at the end every row and every file must be what the log says."""
    clock = June()
    async with open_ledger(settings_for(folder / "home", views_dsn, registry_dsn), clock=clock) as ledger:
        yield Desk(ledger, clock, folder)
        found = await audit(ledger)
        assert (found.row_differences, found.blob_differences) == ((), ())
        async with ledger.pool.acquire() as connection:
            assert await connection.fetchval("select count(*) from projections where error is not null") == 0


def sponsor(
    students: int = 40,
    *,
    code: str = "017",
    seed: int = 1,
    unready: float = 0.0,
    bssy: int = 2025,
    layout: Variant = "public",
) -> GeneratedFile:
    """An invented sponsor of two sites."""
    return generate(Spec(students, seed=seed, unready=unready, layout=layout, bssy=bssy, sponsor=code))
