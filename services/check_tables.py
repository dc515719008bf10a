"""What a check is given: the reference tables in force, and who the students at hand are (U02 to U08).

As long as no table is published a check decides what it decides without any. Identities are no published table: they
are read student by student from the ledger, and given where eScholar's extract holds any student of those at hand.
"""

import hashlib
from collections.abc import Iterable, Sequence
from types import MappingProxyType
from uuid import UUID

from events.identity import StudentIdentified
from schemas.louisiana_sts.records import RACE_FLAGS
from schemas.louisiana_sts.reference_csv import IDENTITIES
from schemas.reference import NO_TABLES, ReferenceTable, ReferenceTables, Row
from services.identities import digests_held, identities_of
from services.ledger import Ledger
from services.reference import tables_in_force

CHUNK = 500


async def tables_for(ledger: Ledger, bssy: str, state_ids: Sequence[str]) -> ReferenceTables:
    """Return the tables in force in a year, with the identities of some public students."""
    tables = await tables_in_force(ledger, int(bssy))
    if not tables:
        return NO_TABLES
    identities = await identities_table(ledger, [one for one in state_ids if len(one) == 10])
    more = {IDENTITIES: identities} if identities is not None else {}
    return ReferenceTables(MappingProxyType({**tables, **more}))


async def identities_table(ledger: Ledger, state_ids: Sequence[str]) -> ReferenceTable | None:
    """Return who some students are; None where eScholar's extract holds none of them.

    The digest is made of the identities' keyed digests, which lie in clear in the log: none of theirs can be guessed.
    """
    rows, digests = list[Row](), dict[UUID, str]()
    for start in range(0, len(state_ids), CHUNK):
        keys = await ledger.registry.find(state_ids[start : start + CHUNK])
        refs = [key.owner for key in keys.values()]
        digests |= await digests_held(ledger, refs)
        held = await identities_of(ledger, refs)
        for state_id, key in keys.items():
            state = held[key.owner].state if key.owner in held else None
            if isinstance(state, StudentIdentified):
                rows.append(row_of(state_id, state))
    return ReferenceTable(IDENTITIES, 0, digest_of(digests.items()), rows) if rows else None


def row_of(state_id: str, identity: StudentIdentified) -> Row:
    """Return an identity as a row of the extract, but for the social security number, which no check reads."""
    flags = identity.ethnicity or " " * len(RACE_FLAGS)
    return {
        "state_identification_number": state_id,
        "first_name": identity.first_name,
        "middle_name": identity.middle_name,
        "last_name": identity.last_name,
        "suffix_name": identity.suffix,
        "birth_date": identity.birth_date,
        "social_security_number": "",
        "sex_code": identity.sex,
        **{name: flag.strip() for name, flag in zip(RACE_FLAGS, flags, strict=True)},
    }


def digest_of(held: Iterable[tuple[UUID, str]]) -> str:
    """Return the SHA-256 over whom which keyed digest belongs to."""
    lines = sorted(f"{ref} {digest}\n" for ref, digest in held)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
