"""Who submits a file: a sponsor of SPS, for whom the user may upload (504, R-032, R-037). A file has one sponsor."""

import re
from bisect import bisect_right
from collections.abc import Iterable

from schemas.layout import content_digest
from schemas.louisiana_sts.batch import Batch
from schemas.louisiana_sts.records import CREDENTIAL
from schemas.louisiana_sts.table import problem
from schemas.problems import Problem
from schemas.reference import ReferenceTable, ReferenceTables

NEXT_CREDENTIAL = re.compile(rb"\nSTS050", re.IGNORECASE)
NEXT_OTHER = re.compile(rb"\nSTS0[23]0", re.IGNORECASE)
COLUMNS = (11, 13)
SPONSOR_WIDTH = 3
UNKNOWN = "The Sponsor Site System (SPS) lists no such sponsor: correct columns 11-13 of every record."
NOT_YOURS = (
    "Your security profile does not name this sponsor: send the file of your own, or ask your security coordinator."
)


def sponsor_problems(batch: Batch, tables: ReferenceTables) -> tuple[Problem, ...]:
    """Why the file's sponsor may not send it; nothing where neither `sponsors` nor `profile` is given.

    Reported at the first 020 or 030 (F09) and at the first 050 (504), each once.
    """
    hint = objection(batch.sponsor, tables)
    return tuple(placed(batch, number, hint) for number in first_lines(batch)) if hint else ()


def objection(sponsor: str, tables: ReferenceTables) -> str:
    """What speaks against the sponsor, "" if nothing does."""
    if "sponsors" in tables and (sponsor,) not in tables["sponsors"].by("sponsor_code"):
        return UNKNOWN
    if "profile" in tables and (sponsor,) not in tables["profile"].by("sponsor_code"):
        return NOT_YOURS
    return ""


def first_lines(batch: Batch) -> Iterable[int]:
    """The first line (1-based), and the first that is a credential if that one is none, or the other way round."""
    yield 1
    other = NEXT_OTHER if is_credential(batch.line(1)) else NEXT_CREDENTIAL
    if found := other.search(batch.data, batch.offsets[0], batch.stop):
        yield bisect_right(batch.offsets, found.start() + 1)


def is_credential(line: bytes) -> bool:
    return line[3:6] == CREDENTIAL.encode()


def placed(batch: Batch, number: int, hint: str) -> Problem:
    line = batch.line(number)
    record = line[3:6].decode("latin-1")
    code = "504" if is_credential(line) else "F09"
    return problem(
        code, line=number, record=record, field="sponsor_code", columns=COLUMNS, found=line[10:13], hint=hint
    )


def profile(allowed: Iterable[str]) -> ReferenceTable:
    """What a user may send as the table `profile`: site codes, and of a sponsor with all its sites the sponsor code."""
    codes = sorted(set(allowed))
    rows = [
        {"sponsor_code": code[:SPONSOR_WIDTH], "site_code": code if len(code) > SPONSOR_WIDTH else ""} for code in codes
    ]
    return ReferenceTable("profile", 0, content_digest(codes), rows)
