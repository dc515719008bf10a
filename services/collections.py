"""Whether a sponsor may write in a school year now. Everything that writes for a sponsor asks here."""

from events.collection import Collection
from projections.collection_queries import find_collection, list_periods, periods_in_force
from schemas.problems import Problem
from services.ledger import Ledger

NOT_OPEN = "THE COLLECTION OF THIS SCHOOL YEAR IS NOT OPEN"


async def refusal(ledger: Ledger, bssy: str, sponsor: str) -> Problem | None:
    """Say why a sponsor may not write in a school year now, None where they may (R-020, R-026, R-027).

    As long as no collection was ever opened or closed in this ledger, no period is in force. Afterwards a year must
    be open, or the sponsor must hold a grant whose day has not passed. Raises ViewStopped.
    """
    async with ledger.pool.acquire() as connection:
        await ledger.require(connection, "collections")
        if not await periods_in_force(connection):
            return None
        collection = await find_collection(connection, bssy, sponsor)
        if collection.admits(sponsor, ledger.today()):
            return None
        opened = [period.bssy for period in await list_periods(connection) if period.opened]
    return not_open(bssy, sponsor, collection, opened)


def not_open(bssy: str, sponsor: str, collection: Collection, opened: list[str]) -> Problem:
    """Say that a year is not open to a sponsor, which ones are, and who can change that."""
    ended = collection.grants.get(sponsor)
    grant = f" The grant of sponsor {sponsor} ended on {ended}." if ended else ""
    years = f"Open now: {', '.join(opened)}." if opened else "No year is open now."
    return Problem(
        code="S06",
        message=NOT_OPEN,
        effect="reject_file",
        hint=f"{bssy} is not open to sponsor {sponsor}. {years}{grant} Ask the department to open it, or send the "
        "prior-year request form for a grant (R-027).",
    )
