"""A report as plain data, ready for `json.dumps`: the form that `ledger check --json` prints."""

from typing import Any

from schemas.problems import Cause, Problem, Report


def report_as_dict(report: Report) -> dict[str, Any]:
    """The report in its public shape; `found` is decoded as Latin-1, so no byte is lost."""
    return {
        "file": report.file,
        "layout": report.layout,
        "refused": report.refused,
        "rows": report.rows,
        "students": {"clean": report.clean, "held": report.held},
        "digests": dict(report.digests),
        "demonstration": list(report.demonstration),
        "undecided": [{"code": one.code, "needs": one.needs} for one in report.undecided],
        "problems": [problem_as_dict(one) for one in report.problems],
        "groups": [cause_as_dict(one) for one in report.causes],
    }


def problem_as_dict(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "line": problem.line,
        "record": problem.record,
        "field": problem.field,
        "columns": list(problem.columns) if problem.columns else None,
        "found": problem.found.decode("latin-1"),
        "message": problem.message,
        "effect": problem.effect,
        "hint": problem.hint,
    }


def cause_as_dict(cause: Cause) -> dict[str, Any]:
    """What one repair mends: its first finding, how often and where it stands, what follows, whom it frees."""
    return problem_as_dict(cause.first) | {
        "times": cause.times,
        "lines": list(cause.lines),
        "follows": dict(cause.follows),
        "students": {"touched": cause.touches, "freed": cause.frees},
    }
