"""The plan that a sender was shown: its digest, and whether it is still what would happen."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, repeat
from uuid import UUID

import msgspec

from events.streams import owner_of
from events.student import canonical
from events.upload import Mode
from projections.index_queries import sponsors_streams_since
from schemas.louisiana_sts.batch import Batch
from schemas.louisiana_sts.checks import Findings
from schemas.problems import Problem
from services.intake.manifest import Manifest
from services.ledger import Ledger

MOST_NAMED = 20
PLAN_MOVED = "THE PLAN DOES NOT HOLD ANY MORE"
NAME = re.compile(r"([0-9a-f]{64})(?:@([0-9]{1,18}))?")
AGAIN = "Nothing was stored. Look at a new plan (`ledger upload --plan FILE`), then name that one."


@dataclass(frozen=True, slots=True)
class ExpectedPlan:
    """A plan as its sender names it: the digest, and the position that it was made at, where that is given."""

    digest: str
    position: int | None = None

    @classmethod
    def read(cls, text: str) -> "ExpectedPlan":
        """Read `DIGEST@POSITION`, or `DIGEST` alone. Raises ValueError."""
        found = NAME.fullmatch(text)
        if found is None:
            raise ValueError(
                "a plan is named by the 64 hexadecimal digits, the @ and the position that it was shown with"
            )
        return cls(found[1], int(found[2]) if found[2] else None)


def plan_digest(ledger: UUID, batch: Batch, held: frozenset[str], mode: Mode, manifest: Manifest) -> str:
    """Return the SHA-256 (hex) of all that a plan says: whose stream becomes what, from which version.

    It covers ledger, sponsor, year, mode, how many are held, and of each other student ref, version, action and content
    as sent, sorted. Whose stream does not begin yet has no ref in it: nobody can have seen one, and the first commit
    moves the version. So it is the same before and after a student is enrolled.
    """
    contents = (sha256(canonical(batch.record_set(one))).hexdigest() for one in batch.state_ids if one not in held)
    facts = sorted(
        (str(row.ref) if row.version else "", row.version, row.action, content)
        for row, content in zip(manifest.rows, chain(contents, repeat("")), strict=False)
        if row.action != "held"
    )
    whole = (str(ledger), batch.sponsor, batch.bssy, mode, manifest.count("held"), facts)
    return sha256(msgspec.json.encode(whole)).hexdigest()


async def broken_plan(
    ledger: Ledger, batch: Batch, findings: Findings, mode: Mode, manifest: Manifest, expected: str
) -> Problem | None:
    """Say that what would happen now is not what was planned, and who has moved; None where the plan holds."""
    plan = ExpectedPlan.read(expected)
    digest = await asyncio.to_thread(plan_digest, ledger.genesis.ledger, batch, findings.held, mode, manifest)
    if digest == plan.digest:
        return None
    moved = None if plan.position is None else await moved_since(ledger, batch, mode, plan.position)
    return Problem(code="S08", message=PLAN_MOVED, effect="reject_file", hint=f"{who_moved(moved)} {AGAIN}")


def who_moved(moved: Sequence[str] | None) -> str:
    """Name the students by their state ids."""
    if moved is None:
        return "Who has moved cannot be told without the plan's position: name it as DIGEST@POSITION."
    if not moved:
        return "None of its students has moved: the file, the mode or the checks are not those of the plan."
    more = f" and {len(moved) - MOST_NAMED:,} more" if len(moved) > MOST_NAMED else ""
    return f"Students who have moved since: {', '.join(moved[:MOST_NAMED])}{more}."


async def moved_since(ledger: Ledger, batch: Batch, mode: Mode, position: int) -> list[str]:
    """Return the state ids of those whose stream has grown behind a position.

    They are the file's students; where all is replaced, the sponsor's in that year: somebody may have come to a site of
    the file, or gone from it.
    """
    async with ledger.pool.acquire() as connection:
        grown = await sponsors_streams_since(connection, batch.sponsor, batch.bssy, position)
        refs = [owner_of(stream) for stream in grown]
        rows = await connection.fetch("select ref, state_id from transcript_students where ref = any($1::uuid[])", refs)
    known = await ledger.registry.find(list(batch.state_ids))
    sent = {key.owner: state_id for state_id, key in known.items()}
    names = {row["ref"]: row["state_id"] for row in rows} | sent
    meant = refs if mode == "delete-all-and-replace" else [ref for ref in refs if ref in sent]
    return sorted(names.get(ref, f"one who holds no set now ({ref})") for ref in meant)
