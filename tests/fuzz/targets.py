"""What takes any bytes, and what must hold of its answer."""

import json
from collections.abc import Callable, Mapping
from functools import cache

from schemas.louisiana_sts.checks import check_file, report
from schemas.louisiana_sts.reference_csv import NAMES, content_of, demonstration_set, from_canonical, read_table
from schemas.louisiana_sts.unpack import unpack
from schemas.problems import Problem
from schemas.reference import NO_TABLES, ReferenceTable, ReferenceTables
from schemas.report_json import report_as_dict
from tests.unit.schemas.builder import TODAY, VARIANTS
from tests.unit.schemas.test_hostile import verdict

LIMIT = 1 << 20
SECTORS = (None, *VARIANTS)


def batch(data: bytes) -> None:
    """The first byte chooses the layout; the rest is a batch file. Its report can be sent."""
    found = verdict(data[1:], SECTORS[data[0] % len(SECTORS)] if data else None)
    assert json.dumps(report_as_dict(report(found)))


@cache
def demonstration() -> ReferenceTables:
    return demonstration_set()


def columnar(data: bytes) -> None:
    """The same file, many lines at once: the same findings as line by line, with the demonstration's tables too."""
    sector = SECTORS[data[0] % len(SECTORS)] if data else None
    tables = demonstration() if data and data[0] & 0x80 else NO_TABLES
    one, other = (
        check_file(data[1:], "any", today=TODAY, variant=sector, tables=tables, columnar=at_once)[1]
        for at_once in (False, True)
    )
    assert one == other


def zipped(data: bytes) -> None:
    """A file, packed or not: at most the limit comes out of it."""
    unpacked = unpack(data, limit=LIMIT)
    if isinstance(unpacked, Problem):
        assert unpacked.effect == "reject_file"
        assert unpacked.hint
    else:
        assert len(unpacked.data) <= LIMIT
        assert unpacked.zipped or bytes(unpacked.data) == data


def table(data: bytes) -> None:
    """The first byte chooses the table; the rest is its CSV. What is taken can be stored and read again."""
    name = NAMES[data[0] % len(NAMES)] if data else NAMES[0]
    read = read_table(name, data[1:], effective=2025)
    if isinstance(read, ReferenceTable):
        again = from_canonical(name, content_of(read), effective=2025)
        assert again == read
    else:
        assert read
        assert all(problem.effect == "reject_file" and problem.hint for problem in read)


TARGETS: Mapping[str, Callable[[bytes], None]] = {"batch": batch, "columnar": columnar, "zip": zipped, "table": table}
