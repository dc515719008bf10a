"""The report as counted and as JSON: its shape is a promise to programs."""

import hashlib
import json

from schemas.layout import load_layout
from schemas.louisiana_sts.checks import report
from schemas.louisiana_sts.table import rules_digest
from schemas.report_json import report_as_dict
from tests.unit.schemas.builder import base_file, findings, line, lines

DATA = base_file("public", "020", {"sex_code": "\xff"})


def test_the_json_report_has_exactly_this_shape() -> None:
    result = report_as_dict(report(findings(DATA)))

    assert list(result) == [
        "file",
        "layout",
        "refused",
        "rows",
        "students",
        "digests",
        "demonstration",
        "undecided",
        "problems",
        "groups",
    ]
    assert result["problems"] == [
        {
            "code": "207",
            "line": 1,
            "record": "020",
            "field": "sex_code",
            "columns": [100, 100],
            "found": "\xff",
            "message": "INVALID SEX CODE",
            "effect": "reject_student",
            "hint": "Send one of M, F.",
        }
    ]
    assert {name: result[name] for name in ("file", "layout", "refused", "rows", "students")} == {
        "file": "test.txt",
        "layout": "public",
        "refused": False,
        "rows": 3,
        "students": {"clean": 0, "held": 1},
    }
    assert json.loads(json.dumps(result)) == result


def test_the_digests_name_the_file_the_layout_and_the_rules() -> None:
    digests = report(findings(DATA)).digests

    assert digests["layout"] == load_layout("public").digest
    assert digests["rules"] == rules_digest("public")
    assert digests["file"] == hashlib.sha256(DATA).hexdigest()


def test_undecided_codes_are_listed_once_each_with_their_table() -> None:
    undecided = report_as_dict(report(findings(DATA)))["undecided"]
    codes = [one["code"] for one in undecided]

    assert len(codes) == len(set(codes)) == 25
    assert {"code": "302", "needs": "course codes by year (CUR)"} in undecided


def test_a_refused_file_counts_no_student() -> None:
    result = report_as_dict(report(findings(lines(line("020", "public"), b"", line("030", "public")))))

    assert (result["refused"], result["rows"], result["students"]) == (True, 3, {"clean": 0, "held": 0})
    assert result["problems"][0]["columns"] is None


def test_clean_and_held_students_are_all_students() -> None:
    other = {"state_identification_number": "7700000009"}
    data = DATA + lines(line("020", "public", other), line("030", "public", other))
    result = report(findings(data))

    assert (result.clean, result.held, result.rows) == (1, 1, 5)
