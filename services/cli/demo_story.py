"""The story that `ledger demo` tells: each step is a command line, its real output, and what must have come of it."""

import io
import json
import os
import shlex
import signal
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from time import monotonic
from types import FrameType
from typing import Any

import typer

from services.cli.errors import ExitCode, Interrupted, NothingFound

Answer = Mapping[str, Any]
BSSY = "2025"


class StoryBroken(NothingFound):
    """A step did not give what the story says."""


def tell_story(students: int) -> None:
    """Tell it. Raises StoryBroken, or Interrupted."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # so that it keeps its place beside the error stream in a file
    from services.cli.demo_certified import tell_second_act

    began = monotonic()
    published()
    generated(students)
    held = first_upload(students)
    corrected_upload(students, held)
    same_file_again(students)
    student = pick_student()
    position = edited(student)
    as_it_stood(student, position)
    tell_second_act(students)
    if os.environ.get("LEDGER_LOG") == "kafka":
        from services.cli.demo_feed import tell_feed

        tell_feed()
    rebuilt()
    headline(f"The end, after {monotonic() - began:.0f} seconds. Every step gave what the story says.")


# --- The steps --------------------------------------------------------------------------------------------------


def published() -> None:
    """Publish tables, so that every check that asks one is decided."""
    headline(
        "The department publishes its reference tables: schools, courses, credentials (here invented, and named so)"
    )
    run("reference", "load", "--demonstration", "--effective", BSSY)
    tables = ask("reference", "list", "--bssy", BSSY)["publications"]
    check(len(tables) > 5 and all(one["demonstration"] for one in tables), "the tables are in force, and marked")


def generated(students: int) -> None:
    """Make a file with some faults."""
    headline(f"A sponsor of two sites sends {students} students, a few of them with faults")
    generate("first.txt", students, "--faults", "0.03")


def generate(file: str, students: int, *more: str) -> None:
    """Make a file whose schools, courses and credentials are in the tables."""
    run("generate", file, "--students", str(students), "--reference", "demonstration", *more)


def first_upload(students: int) -> int:
    """The clean students are stored, the others held. Returns how many are held."""
    headline("Each clean student is stored whole; of a student with a fault, nothing is")
    run("upload", "first.txt", expect=ExitCode.PROBLEMS)
    upload = newest_upload()
    held = int(upload["held"])
    check(held > 0, "some students are held")
    check(upload["stored"] == students - held, "all the others are stored")
    headline("The report says for each line what is wrong, and how to repair it")
    run("problems", "--lines", "3", expect=ExitCode.PROBLEMS)
    return held


def corrected_upload(students: int, held: int) -> None:
    """The corrected file stores those who were held, and nobody else, as its plan said."""
    headline("The district corrects its file, and first asks what it would change")
    generate("corrected.txt", students)
    run("upload", "corrected.txt", "--plan")
    plan = ask("upload", "corrected.txt", "--plan")["plan"]
    check((plan["added"], plan["unchanged"]) == (held, students - held), "only those who were held would be new")
    headline("Then it sends the file, to be stored exactly so or not at all")
    run("upload", "corrected.txt", "--expect-plan", f"{plan['digest']}@{plan['position']}")
    upload = newest_upload()
    check(upload["held"] == 0, "nobody is held")
    check(upload["stored"] == held, "exactly those who were held are stored")
    check(upload["unchanged"] == students - held, "the others are unchanged")


def same_file_again(students: int) -> None:
    """The same file once more changes nothing."""
    headline("The same file again: nothing changes")
    run("upload", "corrected.txt")
    upload = newest_upload()
    check(upload["stored"] == 0 and upload["unchanged"] == students, "nothing is stored")
    run("uploads")


def pick_student() -> Answer:
    """Choose a student in grade 12, and show the transcript."""
    headline("The current transcripts")
    run("students", "--grade", "12", "--limit", "3")
    chosen = ask("students", "--grade", "12", "--limit", "1")["students"][0]
    run("student", chosen["state_id"])
    found: Answer = ask("student", chosen["state_id"])
    return found


def edited(student: Answer) -> int:
    """Edit a course: once against the rules, then well. Returns the position of the edit."""
    state_id, version = student["student"]["state_id"], student["student"]["version"]
    course = next(one for one in student["courses"] if one["letter_grade"] == "B")
    edit = ("edit", "course", state_id, str(course["number"]))
    headline("A grade is corrected online. The rules of an upload hold here too ...")
    run(*edit, "letter_grade_code=F", expect=ExitCode.REFUSED)
    headline("... and the right edit is stored as the student's next version, with its reason")
    points = f"quality_points_awarded_count={course['quality_points'] + 100:03d}"
    change = (*edit, "letter_grade_code=A", points, "--reason", "grade appeal granted")
    run(*change, "--expect-version", str(version))
    headline("Who has not seen that version cannot overwrite it")
    run(*change, "--expect-version", str(version), expect=ExitCode.CONFLICT)
    after = ask("student", state_id)
    check(after["student"]["version"] == version + 1, "the edit is one version")
    now = next(one for one in after["courses"] if one["number"] == course["number"])
    check(now["letter_grade"] == "A", "the transcript shows the new grade")
    return int(after["student"]["position"])


def as_it_stood(student: Answer, position: int) -> None:
    """The set as of before the edit, from the log; the difference; the history."""
    state_id = student["student"]["state_id"]
    headline("The student as of before the edit, folded from the log itself")
    run("replay", state_id, "--as-of", str(position - 1))
    before = ask("replay", state_id, "--as-of", str(position - 1))
    check(before["version"] == student["student"]["version"], "it is the version from before the edit")
    headline("What the edit changed")
    run("diff", state_id, "--from", str(position - 1), "--to", str(position), expect=ExitCode.PROBLEMS)
    changes = ask("diff", state_id, "--from", str(position - 1), expect=ExitCode.PROBLEMS)["changes"]
    fields = {one["field"] for one in changes}
    check(fields == {"letter_grade_code", "quality_points_awarded_count"}, "two fields differ, and no more")
    headline("Who did what, and where it came from")
    run("history", state_id)


def rebuilt() -> None:
    """Drop every view and fold the log anew; then compare everything with it."""
    headline("Every view is thrown away and built anew from the log")
    before = everybody()
    run("projections", "rebuild", "--all")
    check(everybody() == before, "every student stands as before")
    headline("Every row and every file is compared with the log")
    run("fsck")
    check(ask("fsck")["differences"] == 0, "there are 0 differences")


# --- How it is told ---------------------------------------------------------------------------------------------


def headline(text: str) -> None:
    """Announce a step."""
    typer.echo(f"\n{typer.style('# ' + text, bold=True)}")


def run(*arguments: str, expect: int = ExitCode.DONE) -> None:
    """Run one command line as it would be typed, and show what it says. Raises StoryBroken for another exit code."""
    line = shlex.join(["ledger", *arguments])
    typer.secho(f"\n$ {line}", fg=typer.colors.CYAN)
    code = carried_out(arguments)
    check(code == expect, f"`{line}` ends with {int(expect)}, but it ended with {code}")


def ask(*arguments: str, expect: int = ExitCode.DONE) -> Any:
    """Run a reading command with --json and return its answer."""
    with redirect_stdout(io.StringIO()) as printed:
        code = carried_out((*arguments, "--json"))
    check(code == expect, f"`ledger {arguments[0]} --json` ends with {int(expect)}, but it ended with {code}")
    return json.loads(printed.getvalue())


def answer_of(*arguments: str) -> Any:
    """Return a reading command's answer, however it ends."""
    with redirect_stdout(io.StringIO()) as printed:
        carried_out((*arguments, "--json"))
    return json.loads(printed.getvalue())


def carried_out(arguments: tuple[str, ...]) -> int:
    """Carry a command line out in this process. Raises Interrupted when a signal ended it."""
    from services.cli.main import run as run_command

    code = run_command(arguments)
    listen()  # each event loop leaves the default behind
    if code in {ExitCode.INTERRUPTED, ExitCode.TERMINATED}:
        raise Interrupted(code - 128, AGAIN)
    return code


AGAIN = "The demo is begun anew next time."


def listen() -> None:
    """Have SIGTERM end the demo properly."""
    signal.signal(signal.SIGTERM, interrupted)


def interrupted(number: int, _frame: FrameType | None) -> None:
    """End the demo on SIGTERM, servers included."""
    raise Interrupted(number, AGAIN)


def check(holds: bool, said: str) -> None:
    """Raise StoryBroken unless the story holds."""
    if not holds:
        raise StoryBroken(f"the demo went wrong. The story says: {said}. Please report it.")


def newest_upload() -> Answer:
    """What the ledger says of the newest upload."""
    found: Answer = ask("uploads", "--limit", "1")["uploads"][0]
    return found


def everybody() -> Any:
    """Every student as the views have them."""
    return ask("students", "--limit", "1000000")["students"]
