"""`ledger upload --plan` and `--expect-plan`: what an upload would change, and an upload that must be just that."""

from pathlib import Path
from typing import TYPE_CHECKING

from services.cli.errors import CommandRefused, ExitCode, PlanMoved

if TYPE_CHECKING:
    from rich.console import Console

    from events.upload import Mode
    from schemas.layout import Variant
    from schemas.louisiana_sts.checks import Findings
    from services.cli.answers import PlanAnswer, UploadAnswer
    from services.cli.session import Session
    from services.intake.preview import Plan, Previewed, RecordCounts, StudentPlan
    from services.ledger import Ledger
    from services.reports import StoredReport

SHOWN_STUDENTS = 50


def refuse_unfit_plan(expected: str, *, only_looks: bool) -> None:
    """Refuse a plan's name that is none, or one where nothing is to be stored. Raises CommandRefused."""
    from services.intake.expected_plan import ExpectedPlan

    if expected and only_looks:
        raise CommandRefused("--plan and --validate-only store nothing: name the plan to the upload that stores.")
    try:
        if expected:
            ExpectedPlan.read(expected)
    except ValueError as fault:
        raise CommandRefused(f"--expect-plan {expected!r}: {fault}. `ledger upload --plan FILE` shows it.") from None


async def refuse_moved(ledger: "Ledger", file: Path, mode: "Mode", expected: str, layout: "Variant | None") -> None:
    """Refuse before the file is received. Raises PlanMoved, or CommandRefused for a file that is none."""
    from services.intake.expected_plan import PLAN_MOVED
    from services.intake.preview import plan_is_broken

    if broken := await plan_is_broken(ledger, file, mode, expected, variant=layout):
        said = f"{broken.code} {broken.message}. {broken.hint}"
        raise PlanMoved(said) if broken.message == PLAN_MOVED else CommandRefused(said)


def say_who_moved(answer: "UploadAnswer", stored: "StoredReport | None") -> None:
    """Refuse afterwards: the plan was broken when the file had its turn, or some moved while it was worked.

    Raises PlanMoved.
    """
    one = answer.upload
    for found in stored.report.problems if stored and one.state == "refused" else ():
        if found.code == "S08":
            raise PlanMoved(f"{found.code} {found.message}. {found.hint}")
    planned, done = (one.planned_store or 0) + (one.planned_remove or 0), (one.stored or 0) + (one.removed or 0)
    if one.state == "closed" and done < planned:
        raise PlanMoved(
            f"{planned - done:,} of {planned:,} students moved while the upload was worked and stay as they are; the "
            f"others are stored (upload {one.upload}). `ledger upload --plan FILE` shows what is left."
        )


def show_plan(file: Path, mode: "Mode", layout: "Variant | None", *, as_json: bool) -> ExitCode:
    """Print what an upload would do and return its exit code."""
    from services.cli.output import console, print_json
    from services.cli.session import with_ledger

    async def work(ledger: "Ledger", _session: "Session") -> "tuple[Previewed, PlanAnswer]":
        found = await previewed(ledger, file, mode, layout)
        return found, answer_of(ledger, found)

    found, answer = with_ledger(work)
    if as_json:
        print_json(answer)
    else:
        print_preview(console(), found, file)
    if found.plan is None:
        return ExitCode.REFUSED
    wrong = any(one.effect != "note" for one in found.findings.problems)
    return ExitCode.PROBLEMS if wrong or found.plan.held else ExitCode.DONE


async def previewed(ledger: "Ledger", file: Path, mode: "Mode", layout: "Variant | None") -> "Previewed":
    """Plan a file, with a bar. Raises CommandRefused where it would not be received."""
    from schemas.problems import Problem
    from services.cli.output import progress
    from services.intake.preview import preview

    with progress() as told:
        found = await preview(ledger, file, "replace" if mode == "validate-only" else mode, variant=layout, told=told)
    if isinstance(found, Problem):
        raise CommandRefused(f"{found.code} {found.message}. {found.hint}")
    return found


def answer_of(ledger: "Ledger", found: "Previewed") -> "PlanAnswer":
    """The plan as a program gets it."""
    from collections import Counter

    from projections.upload_queries import Finding
    from services.cli.answers import PlanAnswer

    codes = Counter(one.code for one in found.findings.problems).most_common()
    findings = tuple(Finding(code, times) for code, times in codes)
    position = found.plan.position if found.plan else -1
    return PlanAnswer(ledger=ledger.short_id, position=position, plan=found.plan, findings=findings)


def print_preview(out: "Console", found: "Previewed", file: Path) -> None:
    """Say what would happen, then how exactly that is made to happen."""
    from schemas.louisiana_sts.checks import report
    from services.cli.check_report import print_report

    if found.plan is None:
        print_report(report(found.findings), None, lines=None)
        return
    print_plan(out, found.plan)
    print_held(out, found.findings)
    every = " --delete-all" if found.plan.mode == "delete-all-and-replace" else ""
    out.print(f"Nothing was stored. Exactly this, or nothing: `ledger upload {file}{every} --expect-plan", end=" ")
    out.print(f"{found.plan.name}`", soft_wrap=True)


def print_held(out: "Console", findings: "Findings") -> None:
    """Say where to read why students are held."""
    if findings.held:
        out.print("`ledger check FILE` shows why students are held, and how to repair it.")


def print_plan(out: "Console", plan: "Plan") -> None:
    """The counts, then each student who would change."""
    out.print(f"Plan for sponsor {plan.sponsor}, year {plan.bssy}:")
    counts = ("added", "changed", "unchanged", "held", "removed")
    out.print("  students: " + ", ".join(f"{getattr(plan, name):,} {name}" for name in counts))
    out.print(f"  courses: {told(plan.courses)}; credentials: {told(plan.credentials)}")
    moving = [one for one in plan.students if one.action in {"changed", "removed"}]
    for one in moving[:SHOWN_STUDENTS]:
        print_student(out, one)
    if len(moving) > SHOWN_STUDENTS:
        out.print(f"... and {len(moving) - SHOWN_STUDENTS:,} more students who change: --json shows them all.")


def told(counts: "RecordCounts") -> str:
    """Counts of records in words."""
    return f"{counts.added:,} added, {counts.changed:,} changed, {counts.dropped:,} dropped"


def print_student(out: "Console", one: "StudentPlan") -> None:
    """One student, field by field."""
    from services.cli.audits import change_lines
    from services.cli.output import safe

    out.print(f"{safe(one.state_id)} {one.action} (version {one.version})", soft_wrap=True)
    for line in change_lines(one.changes, whole=False):
        out.print(f"  {line}", soft_wrap=True)
    if one.action == "removed":
        out.print(f"  courses: {told(one.courses)}; credentials: {told(one.credentials)}")
