"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import typer

StateId = Annotated[str, typer.Argument(metavar="STATE_ID", help="The student's state id: LASID, or nonpublic id.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The record's number, as `ledger student` shows it.")]
Assignments = Annotated[
    list[str], typer.Argument(metavar="FIELD=VALUE...", help="The layout's field names; FIELD= blanks a field.")
]
AS_OF = "A position, which counts as seen (123 or 7a1d5c7e@123), or a time (2026-01-31T17:00; UTC unless it says)."
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Bssy = Annotated[
    str | None, typer.Option(metavar="YEAR", help="School year, by its first calendar year; without it, the newest.")
]
Sponsor = Annotated[str | None, typer.Option(metavar="CODE", help="Sponsor; needed only where two hold the student.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; kept sealed in the log, shown by `ledger history`.")]
ExpectVersion = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help="Refuse (exit 3) unless the student's version is still N."),
]
CommandId = Annotated[
    UUID | None,
    typer.Option(metavar="UUID", help="Repeat this command safely: it takes effect once. Without it, a new one."),
]
Limit = Annotated[int, typer.Option(min=1, help="Show at most so many.")]
UploadId = Annotated[
    str, typer.Argument(metavar="[UPLOAD]", help="The upload's id or how it begins; without it, the newest.")
]
By = Annotated[
    Literal["line", "repair"],
    typer.Option(help="By line: each cause where it first stands. By repair: what frees most students first."),
]
Workbook = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        dir_okay=False,
        help="Also write a spreadsheet (.xlsx): a sheet of problems, a sheet of repairs. It holds personal data.",
    ),
]
