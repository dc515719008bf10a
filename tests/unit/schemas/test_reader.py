"""What is accepted with a word, what holds one student, and what refuses the file (R-030a, R-037)."""

import pytest

from schemas.layout import Variant
from schemas.louisiana_sts import checks, reader
from schemas.louisiana_sts.batch import Batch, Refused, read_batch
from schemas.problems import Problem
from tests.unit.schemas.builder import BASE, STATE_IDS, VARIANTS, base_file, codes, findings, line, lines

ROWS = [line(code, "public") for code in BASE]


def refusal(data: bytes, variant: Variant = "public") -> Problem:
    """The one problem that refuses the file."""
    batch = read_batch(data, variant=variant)
    assert isinstance(batch, Refused)
    (problem,) = batch.problems
    assert problem.effect == "reject_file"
    return problem


def held(data: bytes, variant: Variant = "public") -> Problem:
    """The one problem that holds the file's only student."""
    found = findings(data, variant)
    (problem,) = found.problems
    assert not found.refused
    assert found.held == {STATE_IDS[variant]}
    return problem


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (lines(*ROWS, end=b"\n"), ["N01"]),
        (lines(*ROWS).removesuffix(b"\r\n"), ["N02"]),
        (lines(*ROWS).removesuffix(b"\n"), ["N02"]),
        (lines(*ROWS, b""), ["N03"]),
        (lines(*ROWS, b"", b"", b"   "), ["N03"]),
        (lines(*ROWS) + b"\x1a", ["N04"]),
        (lines(*ROWS) + b"\r\n\x1a", ["N03", "N04"]),
        (lines(*ROWS).removesuffix(b"\r\n") + b"\x1a", ["N02", "N04"]),
        (b"\xef\xbb\xbf" + lines(*ROWS), ["N05"]),
        (lines(ROWS[0], ROWS[1].rstrip(), ROWS[2]), ["N06"]),
        (lines(ROWS[0].rstrip(), *ROWS[1:]), ["N06"]),
        (lines(ROWS[0], ROWS[1] + b"  ", ROWS[2]), ["N07"]),
        (lines(ROWS[0][:156], *ROWS[1:]), []),
        (lines(ROWS[0][:177], *ROWS[1:]), []),
    ],
)
def test_what_is_accepted_with_a_note(data: bytes, expected: list[str]) -> None:
    found = findings(data, "public")

    assert sorted(problem.code for problem in found.problems) == expected
    assert not found.held
    assert (found.rows, found.students) == (3, 1)
    assert {problem.effect for problem in found.problems} <= {"note"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_was_accepted_with_a_note_reads_the_same(variant: Variant) -> None:
    plain = read_batch(base_file(variant), variant=variant)
    noted = read_batch(b"\xef\xbb\xbf" + base_file(variant).replace(b"\r\n", b"\n") + b"\n\x1a", variant=variant)
    assert isinstance(plain, Batch)
    assert isinstance(noted, Batch)

    assert noted.record_set(STATE_IDS[variant]) == plain.record_set(STATE_IDS[variant])


def test_a_note_names_the_first_line_that_it_is_about() -> None:
    data = lines(*ROWS[:2]) + ROWS[2] + b"\n"
    (note,) = findings(data, "public").problems

    assert (note.code, note.line) == ("N01", 3)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_nul_byte_holds_its_student(variant: Variant) -> None:
    rows = [line(code, variant) for code in BASE]
    rows[1] = rows[1][:120] + b"\0" + rows[1][121:]
    problem = held(lines(*rows), variant)

    assert (problem.code, problem.line, problem.columns, problem.found) == ("L01", 2, (121, 121), b"\0")


def test_a_lower_case_record_name_holds_its_student() -> None:
    problem = held(lines(ROWS[0], ROWS[1].replace(b"STS", b"sts"), ROWS[2]))

    assert (problem.code, problem.line, problem.found) == ("L02", 2, b"sts")


@pytest.mark.parametrize(
    ("rows", "number"),
    [
        ([ROWS[0][:145], ROWS[1], ROWS[2]], 1),
        ([ROWS[0], ROWS[1][:164], ROWS[2]], 2),
        ([ROWS[0], ROWS[1][:23], ROWS[2]], 2),
    ],
)
def test_a_record_cut_short_holds_its_student(rows: list[bytes], number: int) -> None:
    problem = held(lines(*rows))

    assert (problem.code, problem.line, problem.columns) == ("L03", number, (1, len(rows[number - 1])))


def test_a_record_may_have_lost_its_trailing_blanks_only() -> None:
    assert codes(lines(ROWS[0][:146], ROWS[1][:167], ROWS[2]), "public") == ["N06"]


def test_a_short_last_record_without_line_end_was_cut_in_transfer() -> None:
    data = lines(ROWS[0], ROWS[2]) + ROWS[1][:170]

    assert codes(data, "public") == ["N02", "L03"]
    assert codes(data + b"\r\n", "public") == ["N06"]


def test_a_record_too_long_holds_its_student() -> None:
    problem = held(lines(ROWS[0], ROWS[1] + b" X", ROWS[2]))

    assert (problem.code, problem.columns, problem.found) == ("L04", (201, 202), b" X")


@pytest.mark.parametrize("row", [ROWS[2] + b" ", ROWS[2][:62], ROWS[2][:38]])
def test_a_credential_is_63_bytes_long(row: bytes) -> None:
    problem = held(lines(*ROWS[:2], row))

    assert (problem.code, problem.message, problem.line) == ("500", "Invalid 050 Record Length", 3)


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"   ", b"\r\n\r\n", b"\x1a", b" " * 3_000_000])
def test_a_file_without_a_byte_that_counts_is_empty(data: bytes) -> None:
    assert refusal(data).code == "F02"


@pytest.mark.parametrize(
    "data",
    [b"hello\n", b"\0" * 5000, b"%PDF-1.7\n...", lines(*ROWS).decode().encode("utf-16"), b"\x7fELF" + b"\xff" * 99],
)
def test_a_file_without_a_record_is_no_sts_file(data: bytes) -> None:
    problem = refusal(data)

    assert (problem.code, problem.line) == ("F01", 1)


@pytest.mark.parametrize(
    ("rows", "code", "number", "found"),
    [
        ([ROWS[0], b"", ROWS[1]], "F05", 2, b""),
        ([ROWS[0], b"   ", ROWS[1]], "F05", 2, b"   "),
        ([b"HDR 2025 SPONSOR 017", *ROWS], "F06", 1, b"HDR 20"),
        ([*ROWS, ROWS[1].replace(b"STS030", b"STS040")], "F06", 4, b"STS040"),
        ([ROWS[0], ROWS[1][:22], ROWS[2]], "F07", 2, STATE_IDS["public"].encode()[:-1]),
        ([ROWS[0], ROWS[1][:13] + b" " * 10 + ROWS[1][23:]], "F07", 2, b" " * 10),
        ([ROWS[0], ROWS[1][:15] + b"\0" + ROWS[1][16:]], "F07", 2, b"77\x0012345678"[:2] + b"\0" + b"2345678"),
        ([ROWS[0].replace(b"STS0202025", b"STS02020X5")], "F08", 1, b"20X5"),
        ([ROWS[0].replace(b"STS0202025", b"STS0202205")], "F08", 1, b"2205"),
        ([ROWS[0].replace(b"2025017", b"20250 7")], "F09", 1, b"0 7"),
        ([ROWS[0], b"STS030" + b"x" * 70_000], "F10", 2, b"STS030"),
        ([ROWS[0], ROWS[1].replace(b"STS0302025", b"STS0302024"), ROWS[2]], "F03", 2, b"2024"),
        ([*ROWS[:2], ROWS[2].replace(b"STS0502025", b"STS0502024")], "503", 3, b"2024"),
        ([ROWS[0], ROWS[1].replace(b"2025017", b"2025018", 1), ROWS[2]], "F04", 2, b"018"),
        ([*ROWS[:2], ROWS[2].replace(b"2025017", b"2025018", 1)], "504", 3, b"018"),
    ],
)
def test_a_global_fault_refuses_the_file_and_names_the_first_line(
    rows: list[bytes], code: str, number: int, found: bytes
) -> None:
    problem = refusal(lines(*rows))

    assert (problem.code, problem.line, problem.found) == (code, number, found)


def test_a_long_line_across_read_blocks_never_hides_what_follows() -> None:
    """The reader stops at it, so the file must be refused: records after it were not seen."""
    data = lines(ROWS[0], b"STS030" + b"x" * 3_000_000, ROWS[1])

    assert refusal(data).code == "F10"


def test_a_refusal_counts_the_other_lines_of_its_kind() -> None:
    other = ROWS[1].replace(b"2025017", b"2025018", 1)

    assert refusal(lines(ROWS[0], other, other, other)).hint.endswith("The first has 017. 2 more lines are like this.")


def test_several_kinds_of_global_fault_are_told_at_once() -> None:
    batch = read_batch(lines(ROWS[0], b"", b"X", ROWS[1].replace(b"2025017", b"2024018", 1)), variant="public")
    assert isinstance(batch, Refused)

    assert [(problem.code, problem.line) for problem in batch.problems] == [
        ("F05", 2),
        ("F06", 3),
        ("F03", 4),
        ("F04", 4),
    ]


def test_reading_stops_when_more_refusals_tell_nothing_new() -> None:
    batch = read_batch(lines(ROWS[0]) + b"x\n" * 1_000_000, variant="public")
    assert isinstance(batch, Refused)

    assert batch.rows == 1001


def test_a_latin_1_letter_does_not_break_a_file() -> None:
    row = line("020", "nonpublic", {"first_name": "Zo\xeb", "last_name": "Pe\xf1a\xff"})
    batch = read_batch(lines(row, *(line(code, "nonpublic") for code in ("030", "050"))), variant="nonpublic")
    assert isinstance(batch, Batch)
    student = batch.record_set(STATE_IDS["nonpublic"]).student

    assert student is not None
    assert (student["first_name"], student["last_name"]) == ("Zo\xeb", "Pe\xf1a\xff")


@pytest.mark.parametrize("between", [b"", b"\r", b" "])
def test_a_second_record_on_a_line_refuses_the_file(between: bytes) -> None:
    """It may be another student's, whose stored set would be replaced without it."""
    problem = refusal(lines(ROWS[0], ROWS[1] + between + ROWS[1], ROWS[2]))

    assert (problem.code, problem.line, problem.found) == ("F17", 2, b"STS030")
    assert problem.columns == (201 + len(between), 206 + len(between))


def test_a_file_with_cr_line_ends_alone_is_refused() -> None:
    assert refusal(lines(*ROWS, end=b"\r")).code == "F17"


def test_so_many_broken_lines_are_no_export(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MOST_FAULTS", 3)
    batch = read_batch(lines(*[ROWS[1][:100]] * 50), variant="public")
    assert isinstance(batch, Refused)

    assert [(problem.code, problem.line) for problem in batch.problems] == [("F18", 3)]
    assert batch.rows == 3


def test_so_many_students_are_no_sponsors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MOST_STUDENTS", 3)
    rows = [line("050", "public", {"state_identification_number": f"77{number:08d}"}) for number in range(50)]
    batch = read_batch(lines(*rows), variant="public")
    assert isinstance(batch, Refused)

    assert [(problem.code, problem.line) for problem in batch.problems] == [("F19", 5)]


def test_a_list_of_problems_that_nobody_reads_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MOST_LISTED", 4)
    changed = [{"state_identification_number": f"77{number:08d}", "letter_grade_code": "X"} for number in range(9)]
    found = findings(lines(*(line("030", "public", changes) for changes in changed)), "public")

    assert [problem.code for problem in found.problems] == ["N09", "200", "305", "200", "305"]
    assert found.problems[0].message == "NOT ALL PROBLEMS ARE LISTED: 14 MORE"
    assert len(found.held) == 9
