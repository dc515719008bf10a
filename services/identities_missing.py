"""The no-PII list: which students lack a social security number, a name or a birth date (S-28, R-192)."""

import asyncio
from collections.abc import Sequence

from events.identity import IdentityState, StudentIdentified
from projections.identity_queries import Held, Lacking
from services.identities import NOBODY, identities_of
from services.intake.plan import chunks
from services.ledger import Ledger

CHUNK = 1_000
PUBLIC_ID = 10
"""Characters of a LASID; a nonpublic id has nine."""


async def lacking(ledger: Ledger, students: Sequence[Held]) -> tuple[Lacking, ...]:
    """Return those of the students who lack something, nobody's identity at all included, in the order given."""
    found = list[Lacking]()
    for some in chunks(students, CHUNK):
        identities = await identities_of(ledger, [one.ref for one in some])
        for one in some:
            await asyncio.sleep(0)  # opening identities must not hold the follower up
            row = row_of(one, identities.get(one.ref, NOBODY).state)
            if not (row.ssn and row.name and row.birth_date):
                found.append(row)
    return tuple(found)


def row_of(student: Held, identity: IdentityState) -> Lacking:
    """Say what is there of one student's identity."""
    known = identity if isinstance(identity, StudentIdentified) else StudentIdentified("", "")
    return Lacking(
        state_id=student.state_id if len(student.state_id) == PUBLIC_ID else "",
        local_id=student.local_id,
        bssy=student.bssy,
        site=student.site,
        ssn=bool(known.ssn),
        name=bool(known.first_name and known.last_name),
        birth_date=bool(known.birth_date),
    )
