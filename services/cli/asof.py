"""A position or a time, as an operator writes it, and the position it means."""

from datetime import UTC, datetime

from projections import index
from projections.database import Connection
from projections.index import Head
from services.cli.errors import CommandRefused
from services.cli.options import AS_OF


async def resolve(connection: Connection, head: Head, ledger: str, text: str) -> int:
    """Return the last position that counts as seen. Raises CommandRefused for one that the log does not reach."""
    meant = parse(text, ledger)
    position = meant if isinstance(meant, int) else await index.position_at(connection, meant) - 1
    if position < 0:
        raise CommandRefused(f"{text!r} lies before the ledger began. Name a later position or time.")
    if position >= head.next_position:
        raise CommandRefused(f"{text!r} lies beyond the log's last position, {ledger}@{head.next_position - 1}.")
    return position


def parse(text: str, ledger: str) -> int | datetime:
    """Read a position of this ledger, or a time. Raises CommandRefused."""
    prefix, _, number = text.rpartition("@")
    if number.isdecimal():
        if prefix not in {"", ledger}:
            raise CommandRefused(f"position {text!r} belongs to ledger {prefix}, this is {ledger}.")
        return int(number)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise CommandRefused(f"{text!r} is neither a position nor a time. It must be: {AS_OF}") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
