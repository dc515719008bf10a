"""The reference page of all checks, made from the tables: `python -m schemas.louisiana_sts.checks_page > FILE`."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from schemas.layout import Variant
from schemas.louisiana_sts.graduates import REPORTED
from schemas.louisiana_sts.records import toml
from schemas.louisiana_sts.table import Code, all_codes, table
from schemas.rules import Rule

HEAD = """\
# The checks of a Louisiana STS batch file

Made from `schemas/louisiana_sts/*.toml` by `python -m schemas.louisiana_sts.checks_page`; do not edit. Codes of the
guide's Appendix K first, then our own: F the file, L a line, V a value, G a graduate, Q part numbers, N a note. An
expression is true where the record is wrong; its language stands in `schemas/expressions.py`. Columns are 1-based and
inclusive.

Some codes are decided, wholly or in part, only with a reference table. Where it is not given they are listed as
undecided, once each. The last rows say what nothing that can be given decides, and why.
"""


def page() -> str:
    """The whole page as Markdown."""
    return HEAD + "\n".join(("", *needs(), "")) + "".join(section(code) for code in all_codes().values())


def needs() -> Iterator[str]:
    """Which codes wait for which table."""
    waiting: dict[tuple[str, str], list[str]] = {}
    for row in sorted(toml("rules.toml")["needs"], key=lambda row: not row["tables"]):
        tables = ", ".join(f"`{name}`" for name in row["tables"])
        waiting.setdefault((tables, row["what"]), []).append(row["code"] + (" in part" if row.get("rest") else ""))
    yield "| codes | table | what is wanting |"
    yield "|---|---|---|"
    for (tables, what), codes in waiting.items():
        yield f"| {', '.join(codes)} | {tables or 'none'} | {what} |"


def section(code: Code) -> str:
    return "\n".join(["", f"## {code.code} {code.message}", "", *facts(code), *guide_facts(code), *checks(code)]) + "\n"


def facts(code: Code) -> Iterator[str]:
    yield f"- Applies to: {' and '.join(sorted(code.sectors, reverse=True))}"
    yield f"- Effect: {code.effect}"
    if code.hint:
        yield f"- To repair: {code.hint}"


def guide_facts(code: Code) -> Iterator[str]:
    """What the guide says of the code, with its page; of our own codes, those that stand for a removal code."""
    for row in toml("error_codes.toml")["error"]:
        if row["code"] == code.code:
            yield f"- Guide, p. {row['page']}: {row['rule']}"
            if "source_conflict" in row:
                yield f"- Where the guide leaves room: {row['source_conflict']}"
    for row in toml("error_codes.toml")["graduation_date_removal"]:
        if REPORTED.get(row["code"]) == code.code:
            yield f"- Graduation date removal code {row['code']}, p. {row['page']}: {row['rule']}"


def checks(code: Code) -> Iterator[str]:
    """How it is decided here: by rows of the table, in code (F, L, G, N, V08), as another code, or not at all."""
    content = toml("rules.toml")
    for rule, columns in rules_of(code).items():
        yield f"- Checked on {rule.record} {rule.field} ({columns}){reading(rule)}: `{' '.join(rule.when.split())}`"
        if rule.hint != code.hint:
            yield f"  - {rule.hint}"
    if code.code in content["built_in"] or code.code[0] in "FLGQN" or code.code == "V08":
        yield "- Checked in code: over several lines, on the line as a whole, or on the file."
    if code.code in content["reported_as"]:
        yield f"- Reported as {content['reported_as'][code.code]}, which has the same condition."
    yield from undecided(code, content["needs"])


def reading(rule: Rule) -> str:
    """The reference tables that a row looks into, or the one that takes its place."""
    if rule.tables:
        return f", with the table {' and '.join(f'`{name}`' for name in sorted(rule.tables))}"
    return f", without the table `{rule.without}`" if rule.without else ""


def undecided(code: Code, needs: list[Mapping[str, Any]]) -> Iterator[str]:
    for row in needs:
        if row["code"] == code.code:
            part = "The rest is undecided" if row.get("rest") else "Undecided"
            tables = " and ".join(f"`{name}`" for name in row["tables"])
            yield f"- {part} without the table {tables}: {row['what']}" if tables else f"- {part}: {row['what']}"


def rules_of(code: Code) -> dict[Rule, str]:
    """The code's rows in either sector with their columns; a row that differs in its columns alone is one."""
    found: dict[tuple[str, str, str], Rule] = {}
    columns: dict[tuple[str, str, str], list[str]] = {}
    sectors: tuple[Variant, Variant] = ("public", "nonpublic")
    for sector in sectors:
        for rule in (rule for rules in table(sector).rules.values() for rule in rules if rule.code == code.code):
            key = (rule.record, rule.field, rule.when)
            found.setdefault(key, rule)
            columns.setdefault(key, []).append(f"{sector} {rule.columns[0]}-{rule.columns[1]}")
    return {rule: ", ".join(columns[key]) for key, rule in found.items()}


if __name__ == "__main__":
    sys.stdout.write(page())
