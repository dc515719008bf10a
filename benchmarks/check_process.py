"""`python -m benchmarks.check_process WAY FILE FOLDER`: check a file on one core, with the tables of a folder.

WAY is columns (numpy), lines (the Python compilation of the same rules), pydantic (fields only) or pydantic-rules. The
tables are read and indexed, and the rules compiled, by checking the file's first students before. Prints one JSON
object: rows, seconds of the core's time, findings, and in MiB the memory that is not the mapped file's: before, at its
peak, and of it the check's.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from benchmarks.peers import pydantic_records
from schemas.layout import Variant
from schemas.louisiana_sts.checks import Findings, check_file
from schemas.louisiana_sts.reference_csv import read_folder
from schemas.louisiana_sts.table import table
from schemas.reference import ReferenceTables

BSSY, TODAY = 2025, date(2026, 6, 15)
LAYOUT: Variant = "public"
FIRST = 200_000
"""Bytes of the first students, checked before."""


def anonymous() -> float:
    """This process's memory in MiB that is no mapped file's."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024


class Peak:
    """The most memory, looked at often while a block runs."""

    def __enter__(self) -> "Peak":
        self.most, self.done = anonymous(), threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self) -> None:
        while not self.done.wait(0.02):
            self.most = max(self.most, anonymous())

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()
        self.most = max(self.most, anonymous())


def main(way: str, file: str, folder: str) -> None:
    """Check, then report."""
    path, tables = Path(file), read_folder(Path(folder)).in_force(BSSY)
    if way.startswith("pydantic"):
        work = validated(path, tables, with_rules=way == "pydantic-rules")
    else:
        work = checked(path, tables, columnar=way == "columns")
    before = anonymous()
    with Peak() as peak:
        began = time.process_time()
        rows, found = work()
        seconds = time.process_time() - began
    said = {"rows": rows, "seconds": seconds, "found": found}
    memory = {"before_mb": before, "peak_mb": peak.most, "check_mb": peak.most - before}
    print(json.dumps(said | memory))


def checked(path: Path, tables: ReferenceTables, *, columnar: bool) -> Callable[[], tuple[int, int]]:
    def check(source: Path | bytes) -> Findings:
        _, findings = check_file(source, path.name, today=TODAY, variant=LAYOUT, tables=tables, columnar=columnar)
        assert not findings.refused
        return findings

    def work() -> tuple[int, int]:
        findings = check(path)
        return findings.rows, len(findings.problems)

    with path.open("rb") as opened:
        first = opened.read(FIRST)
    check(first[: first.rindex(b"\nSTS020") + 1])
    return work


def validated(path: Path, tables: ReferenceTables, *, with_rules: bool) -> Callable[[], tuple[int, int]]:
    base = pydantic_records.CheckedRecord if with_rules else pydantic_records.Record
    models = pydantic_records.models(table(LAYOUT).layout, base)
    compiled = table(LAYOUT).compile(BSSY, TODAY, tables) if with_rules else {}
    checks = {code: check for code, (_, check) in compiled.items()}
    rows = path.read_bytes().count(b"\n")

    def work() -> tuple[int, int]:
        pydantic_records.validate(path, models, checks)
        return rows, 0

    return work


if __name__ == "__main__":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    main(*sys.argv[1:])
