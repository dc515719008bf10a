"""Writes docs/reference/cli.md from the program itself: `python -m services.cli.reference > docs/reference/cli.md`."""

import sys
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
import typer

from services.cli import answers, certify_answers, ots_answers, table_answers, year_answers
from services.cli.app import COMMANDS, SETTINGS, app
from services.cli.errors import MEANINGS

ANSWERS: dict[str, type[msgspec.Struct]] = {
    "upload": answers.UploadAnswer,
    "upload --plan": answers.PlanAnswer,
    "uploads": answers.UploadsAnswer,
    "students": answers.StudentsAnswer,
    "student": answers.StudentAnswer,
    "edit": answers.EditAnswer,
    "add": answers.EditAnswer,
    "delete": answers.EditAnswer,
    "reassign": year_answers.ReassignAnswer,
    "rollover": year_answers.RolloverAnswer,
    "collection open": year_answers.CollectionAnswer,
    "collection close": year_answers.CollectionAnswer,
    "collection grant": year_answers.CollectionAnswer,
    "collection list": year_answers.CollectionsAnswer,
    "reference load": table_answers.TablesLoadAnswer,
    "reference list": table_answers.TablesAnswer,
    "reference show": table_answers.TableAnswer,
    "reference diff": table_answers.TableDiffAnswer,
    "identities load": certify_answers.LoadAnswer,
    "identities missing": certify_answers.MissingAnswer,
    "certify": certify_answers.CertifyAnswer,
    "uncertify": certify_answers.UncertifyAnswer,
    "certifications": certify_answers.CertificationsAnswer,
    "ots": ots_answers.OtsAnswer,
    "official": ots_answers.OfficialAnswer,
    "history": answers.HistoryAnswer,
    "replay": answers.ReplayAnswer,
    "diff": answers.DiffAnswer,
    "verdict": answers.VerdictAnswer,
    "fsck": answers.FsckAnswer,
    "projections": answers.ProjectionsAnswer,
    "follow": answers.LogLine,
    "status": answers.StatusAnswer,
}
"""What each command prints with `--json`; `check` and `problems` print a report (schemas/report_json.py)."""

WORDS = {
    str: "text",
    int: "number",
    bool: "true or false",
    type(None): "null",
    UUID: "id",
    datetime: "time (RFC 3339)",
    date: "date",
}


def reference() -> str:
    """The whole page."""
    group = typer.main.get_command(app)
    commands = getattr(group, "commands", {})
    parts = [HEAD, *exit_codes()]
    for name in COMMANDS:
        parts += section(("ledger", name), commands[name])
    parts += ["## What `--json` prints\n", paragraph(answers.__doc__ or "")]
    for shape in shapes(ANSWERS.values()):
        parts += described(shape)
    return "\n".join(parts).rstrip() + "\n"


HEAD = f"""# `ledger`: the operator's command line

This page is written by `python -m services.cli.reference`; a test compares it with the program.

{SETTINGS}

Output goes to standard output, messages and progress to standard error. Every command opens what it needs itself, ends
what it started, and may run while others do.
"""


def exit_codes() -> Iterator[str]:
    """The table of exit codes."""
    yield "## Exit status\n"
    yield from table(("code", "meaning"), [(str(code.value), meaning) for code, meaning in MEANINGS.items()])


def section(path: tuple[str, ...], command: Any, parent: Any = None) -> Iterator[str]:
    """One command, or a group with its commands."""
    context = command.make_context(" ".join(path), [], parent=parent, resilient_parsing=True)
    yield f"{'#' * len(path)} `{' '.join(path)}`\n"
    yield paragraph(command.help or "")
    rows = [parameter.get_help_record(context) for parameter in command.params]
    if rows:
        yield from table(("argument or option", "meaning"), [(f"`{name}`", text) for name, text in rows])
    if shape := ANSWERS.get(" ".join(path[1:])):
        line = " a line" if shape is answers.LogLine else ""
        yield f"`--json` prints one [{shape.__name__}](#{shape.__name__.lower()}){line}.\n"
    for name, sub in getattr(command, "commands", {}).items():
        yield from section((*path, name), sub, context)


def paragraph(text: str) -> str:
    """A docstring as Markdown: paragraphs kept, lines joined by the reader."""
    return "\n\n".join(" ".join(part.split()) for part in text.strip().split("\n\n")) + "\n"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A Markdown table."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


# --- Shapes -----------------------------------------------------------------------------------------------------


def shapes(roots: Iterable[type[msgspec.Struct]]) -> list[type[msgspec.Struct]]:
    """The answers, each followed by what it holds; every one once."""
    found: dict[type[msgspec.Struct], None] = {}
    for root in roots:
        if root not in found:
            found[root] = None
            found |= dict.fromkeys(shapes(inner for hint in hints(root).values() for inner in structs_in(hint)))
    return list(found)


def described(shape: type[msgspec.Struct]) -> Iterator[str]:
    """A heading, what it is, and its keys."""
    yield f"### {shape.__name__}\n"
    yield paragraph(shape.__doc__ or "")
    yield from table(("key", "value"), [(f"`{name}`", words(hint)) for name, hint in hints(shape).items()])


def hints(shape: type[msgspec.Struct]) -> dict[str, Any]:
    """The fields of a struct in their order, with their types."""
    known = get_type_hints(shape)
    return {name: known[name] for name in shape.__struct_fields__}


def structs_in(hint: Any) -> list[type[msgspec.Struct]]:
    """The structs that a type names."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return [hint]
    return [struct for inner in get_args(hint) for struct in structs_in(inner)]


def words(hint: Any) -> str:
    """A type in the words of JSON."""
    inner = get_args(hint)
    if get_origin(hint) in {Union, UnionType}:
        return " or ".join(words(each) for each in inner)
    if get_origin(hint) is tuple:
        return f"list of {words(inner[0])}"
    if get_origin(hint) is dict:
        return "object of texts by field" if inner[1] is str else f"object by number: {words(inner[1])}"
    if inner:  # a Literal
        return ", ".join(f"`{value}`" for value in inner)
    if structs_in(hint):
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    return WORDS[hint]


if __name__ == "__main__":
    sys.stdout.write(reference())
