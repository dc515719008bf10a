"""What is seldom met when many lines are placed at once; that all else is placed alike, mutated files prove."""

from schemas.louisiana_sts.batch import Batch, read_batch
from schemas.louisiana_sts.columnar_reader import read_columns
from schemas.louisiana_sts.lines import frame
from tests.unit.schemas.builder import line, lines

STUDENT, COURSE = line("020", "nonpublic"), line("030", "nonpublic")


def placed(data: bytes) -> Batch:
    batch = read_batch(data, variant="nonpublic", columnar=True)
    assert isinstance(batch, Batch)
    return batch


def test_the_first_trimmed_line_is_noted_whichever_record_it_is() -> None:
    batch = placed(lines(STUDENT, COURSE.rstrip(b" "), STUDENT.rstrip(b" ")))

    assert [(note.code, note.line) for note in batch.notes] == [("N06", 2)]


def test_a_trimmed_line_that_is_looked_at_alone_is_noted_too() -> None:
    """The first line of a file always is."""
    batch = placed(lines(STUDENT.rstrip(b" "), COURSE, COURSE.rstrip(b" ")))

    assert [(note.code, note.line) for note in batch.notes] == [("N06", 1)]


def test_a_last_line_that_was_cut_off_is_no_trimmed_one() -> None:
    batch = placed(lines(STUDENT, COURSE) + COURSE.rstrip(b" "))

    assert [fault.code for fault in batch.faults] == ["L03"]
    assert [note.code for note in batch.notes] == ["N02"]


def test_a_file_that_is_refused_is_left_to_the_other_reader() -> None:
    data = lines(STUDENT, COURSE, COURSE.replace(b"2025", b"2024", 1))
    around = frame(data)

    assert around
    assert read_columns(data, around, "nonpublic") is None
    assert read_batch(data, variant="nonpublic", columnar=True) == read_batch(data, variant="nonpublic", columnar=False)


def test_a_student_whose_lines_lie_apart_has_several_runs() -> None:
    other = STUDENT[:13] + b"666123457" + STUDENT[22:]
    batch = placed(lines(STUDENT, other, COURSE, STUDENT))

    assert {student: list(runs) for student, runs in batch.runs.items()} == {
        "666123456": [0, 1, 2, 4],
        "666123457": [1, 2],
    }
