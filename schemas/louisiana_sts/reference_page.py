"""The reference page of the reference tables: `python -m schemas.louisiana_sts.reference_page > FILE`."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from schemas.louisiana_sts.reference_csv import IDENTITIES, NAMES, is_personal, table_file

HEAD = """\
# The reference tables of Louisiana STS

Made from the Table Schemas in `schemas/louisiana_sts/reference/` by `python -m schemas.louisiana_sts.reference_page`;
do not edit. Pages are those of the STS User Guide 2.0.

A table is a CSV file in UTF-8: commas, the columns in the order below, one row a line. `ledger reference load TABLE
FILE --effective BSSY` publishes it from a school year on; it is in force until the next publication of that table.
One fault and the file is refused whole, with every fault: T01 unreadable or empty, T02 other columns or no row, T03 a
blank line, T04 cells missing or too many, T05 a value that its column does not hold, T06 a key twice, T07 a first
above its last, T08 a code that does not begin as it must, T09 (in a folder) no such table, T10 no published table.

The *digest* of a table is the SHA-256 of its canonical content: the columns, then the rows in the order of their key,
as CSV in UTF-8 with LF, accents composed (NFC), cells without outer blanks. Row order, line ends, quotation marks and
a byte-order mark do not change it. Reports and commits name the digests they were checked against, so that an old
verdict can be explained with the tables of its day. A *personal* table is sealed whole, counted and never shown; in
its place the digest of its sealed blob is named, since the content of a small table could be guessed.

`ledger check --reference DIR` takes a folder of `TABLE.csv`, in force in every year, and `TABLE@BSSY.csv`, in force
from that year on. A code whose table is not given is listed as undecided. The project ships a *demonstration set*
(`schemas/louisiana_sts/reference/demonstration/`); its rows say so in their first column, and it is never used by
itself.
"""


def page() -> str:
    """The whole page as Markdown."""
    return HEAD + "".join("\n".join(section(name)) + "\n" for name in NAMES)


def section(name: str) -> Iterator[str]:
    """One table: what it is, what tells its rows apart, and its columns."""
    schema = table_file(name).schema
    yield from ("", f"## {name}", "", f"{schema['title']}. {schema['description']}", "")
    if is_personal(name):
        yield "- Personal."
    if name == IDENTITIES:
        yield "- Not published: `ledger identities load` keeps it by student. A folder may hold `identities.csv`."
    yield f"- Key: {', '.join(table_file(name).key)}"
    yield from (f"- {low} is not greater than {high}" for low, high in schema.get("notAfter", ()))
    yield from (f"- {whole} begins with {start}" for whole, start in schema.get("startsWith", ()))
    if "guidePages" in schema:
        yield f"- Guide: pp. {', '.join(str(number) for number in schema['guidePages'])}"
    yield from ("", "| column | required | holds |", "|---|---|---|")
    yield from (column(field) for field in schema["fields"])


def column(field: Mapping[str, Any]) -> str:
    """One column as a row of Markdown."""
    constraints = field.get("constraints", {})
    required = "yes" if constraints.get("required") else "no"
    return f"| `{field['name']}` | {required} | {field['description'].replace('|', chr(92) + '|')} |"


if __name__ == "__main__":
    sys.stdout.write(page())
