"""Seeded mutation of batch files: bytes, not text. A few lines of a file are damaged, or their values moved to where
the rules turn.

`mutated` leaves the columns that would refuse the whole file alone, so that its students are still checked;
`broken` damages one line in a way that may refuse it, `reframed` what stands around the records.
"""

from collections.abc import Callable, Mapping
from random import Random

from schemas.layout import Field, Variant, load_layout

KEY = 13
"""The columns of record type, BSSY and sponsor: a change in them refuses the file."""
JUNK = (b"\0", b"\xff", b"\xc9", b"\xe9", b"\xb2", b"\xa0", b"\x85", b"\x1a", b"\t", b"'", b" ", b"0", b"9", b"A", b"~")
LONGEST_STUDENT_ID_END = 38
SHORTEST = {b"020": 146, b"030": 165, b"050": 63}

RANKS = ("0000", "0001", "0080", "0081", " 1  ", "1", "80", "9999")
CREDITS = ("000", "001", "050", "100", "150", "200", "1.0", " 50", "05", "0\xb20", "999")
POINTS = ("000", "001", "100", "300", "399", "400", "401", "500", "4.0", "40")
SITES = ("017001", "017999", "018001", "01700", "0170 1", "017X01", "4D1001", "17001", "103001")
SPONSORS = ("017", "018", "4D1", "103", "W99", "WAL", "01", "0 7", "999")
OPTIONS = ("A01", "P06", "R01", "T17", "CDV", "P07", "T09", "R10", "A1", "Z99")
OLD_PATHWAYS = ("C4", "C5", "C6", "CD")

VALUES: Mapping[str, tuple[str, ...]] = {
    "grade_placement_code": ("07", "08", "T9", "09", "9", " 9", "10", "11", "12", "13"),
    "career_option_code": OPTIONS,
    "diploma_pathway": (*OLD_PATHWAYS, "CA", "TU", "L1", "ND", "NG", "ZZ", "tu"),
    "day_of_birth": ("00", "01", "1", "28", "29", "30", "31", "32", " 9", "\xb29"),
    "birth_date": ("02282009", "02292008", "02292009", "12312007", "00012008", "13012008", "2292008", "00000000"),
    "partial_first_name": ("V", "v", "7", "\xc9", "-", "\xb5"),
    "partial_last_name": ("O'B", "NG", "D-\xc1", "1AB", " AB", "A B", "-", "A", "ST.", "A1"),
    "first_name": ("\xc9a", "7"),
    "last_name": ("O'Brien", "7"),
    "local_rank_in_class_position": RANKS,
    "local_rank_in_class_size": RANKS,
    "academic_endorsement_code": ("A1", "A4", "A5", "a1"),
    "career_tech_endorsement_code": ("B1", "J4", "J5", "J"),
    "community_service_endorsement": ("C1", "C2"),
    "state_seal_of_biliteracy_endorsement": ("D1", "D6", "D7"),
    "met_gee_eoc_flag": ("Y", "E", "A", "G", "N", "y"),
    "fafsa_application_flag": ("1", "4", "0", "5"),
    "site_code": SITES,
    "course_site_code": SITES,
    "ibc_earned_site_code": SITES,
    "dual_enrollment_secondary_site": SITES,
    "course_sponsor_code": SPONSORS,
    "ibc_earned_sponsor_code": SPONSORS,
    "course_code": ("990101", "99010", "99A101", "160321", "220501", "500051", "99 101", "000000"),
    "course_part_number": ("1", "2", "3", "0"),
    "semester_code": ("B1", "B4", "B5", "C1", "C3", "S1", "S3", "Z2", "Y1", "Y2", "y1"),
    "letter_grade_code": ("A", "B", "C", "D", "F", "P", "E", "X", "a"),
    "credit_attempted_count": CREDITS,
    "credit_earned_count": CREDITS,
    "grade_point_maximum_count": POINTS,
    "quality_points_awarded_count": POINTS,
    "core_curriculum_waiver_flag": ("Y", "N", "X", "n"),
    "course_type_code": ("RG", "DE", "DA", "DI", "AP", "IB", "ZZ", "de"),
    "distance_learning_course_type_code": ("01", "05", "00", "06", "1"),
    "dual_enrollment_postsecondary_credit_hours_earned": ("0000", "0001", "0300", "300", "3.00", "03\xb20"),
    "ibc_code": ("901", "902", "1", "90"),
    "semester_ibc_earned": ("1", "3", "0", "4"),
    "pass_fail": ("P", "F", "X", "p"),
}


def mutated(data: bytes, random: Random, share: float, variant: Variant = "public") -> bytes:
    """A file of whole records with about `share` of its lines damaged, never in a way that must refuse it."""
    rows = [row.removesuffix(b"\r") for row in data.split(b"\n") if row.strip()]
    kept: list[bytes] = []
    for row in rows:
        kept.extend(changed_rows(row, rows, random, variant) if random.random() < share else [row])
    return b"".join(row + b"\r\n" for row in kept)


def changed_rows(row: bytes, rows: list[bytes], random: Random, variant: Variant) -> list[bytes]:
    """What one line becomes: mostly itself with some values moved, or nothing, or two of it, or two halves."""
    match random.randrange(24):
        case 0:
            return []
        case 1:
            return [row, row]
        case 2:
            return [row, random.choice(rows)]
        case 3:
            return [row, near_boundary(row, random, variant)]
        case 4 if row[3:6] == b"030":
            return halves(row, random, variant)
    changed = row
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        changed = random.choice(CHANGES)(changed, random, variant)
    return [changed]


def halves(row: bytes, random: Random, variant: Variant) -> list[bytes]:
    """A course as two halves, with part numbers that may or may not join."""
    parts = random.choice((("1", "2"), ("", ""), ("", ""), ("1", "1"), ("2", "2"), ("1", ""), ("", "2")))
    return [half(row, variant, part, semester) for part, semester in zip(parts, ("S1", "S2"), strict=True)]


def half(row: bytes, variant: Variant, part: str, semester: str) -> bytes:
    course = load_layout(variant)["030"]
    values = {"course_part_number": part, "semester_code": semester, "credit_attempted_count": "050"}
    for name, value in {**values, "credit_earned_count": "050"}.items():
        row = replaced(row, course[name], value)
    return row


def near_boundary(row: bytes, random: Random, variant: Variant) -> bytes:
    """The line with the value of one field moved to, or beside, one that a rule compares with."""
    code = row[3:6].decode("latin-1")
    fields = [field for field in load_layout(variant)[code].fields if field.start > KEY]
    field = random.choice([field for field in fields if field.name != "state_identification_number"])
    return replaced(row, field, random.choice(near_values(field, row, random)))


def replaced(row: bytes, field: Field, value: str) -> bytes:
    """The line with exactly these characters in a field, left-justified."""
    whole = bytearray(row.ljust(field.end))
    whole[field.span] = value.encode("latin-1").ljust(field.length)[: field.length]
    return bytes(whole)


def near_values(field: Field, row: bytes, random: Random) -> tuple[str, ...]:
    """Values of one field at which some rule turns; blank is always among them."""
    bssy = int(row[6:10])
    if field.name == "graduation_date":
        days = (f"0831{bssy}", f"0901{bssy}", f"0831{bssy + 1}", f"0901{bssy + 1}", f"0228{bssy + 1}")
        return ("", *days, f"0229{bssy + 1}", f"0714{bssy + 1}", f"0715{bssy + 1}", f"0515{bssy + 1}", "5152026")
    if field.name.endswith(("_year", "_ibc_earned")) and field.length == 4:
        return ("", "2002", "2003", "2004", "2005", "2013", "2014", "20 2", "1", *map(str, range(bssy - 2, bssy + 2)))
    if field.name == "local_identification_number":
        return ("", row[13:22].decode("latin-1"), row[13:23].decode("latin-1"), "LC0000001")
    own = VALUES.get(field.name) or field.values or ("X", "\xff", "~")
    return ("", *own, step(row[field.span].decode("latin-1"), random))


def step(text: str, random: Random) -> str:
    """A number one up or down; other text as it was."""
    if not (text.isascii() and text.isdigit()):
        return text
    return f"{max(0, int(text) + random.choice((-1, 1))):0{len(text)}d}"


def junk_byte(row: bytes, random: Random, variant: Variant) -> bytes:
    """One byte after the student's id overwritten by one that does not belong there."""
    place = random.randrange(min(LONGEST_STUDENT_ID_END, len(row) - 1), len(row))
    return row[:place] + random.choice(JUNK) + row[place + 1 :]


def moved_bytes(row: bytes, random: Random, variant: Variant) -> bytes:
    """A byte too many or too few after the student's id: what follows has moved by one column."""
    place = random.randrange(min(LONGEST_STUDENT_ID_END, len(row) - 1), len(row))
    return row[:place] + (b"0" + row[place:] if random.random() < 0.5 else row[place + 1 :])


def other_length(row: bytes, random: Random, variant: Variant) -> bytes:
    """Cut off, mostly near the shortest length that is accepted, or longer by blanks or by bytes of no column."""
    match random.randrange(4):
        case 0:
            return row[: random.randrange(LONGEST_STUDENT_ID_END, max(len(row), LONGEST_STUDENT_ID_END + 1))]
        case 1:
            return row[: SHORTEST.get(row[3:6], 200) + random.choice((-1, 0, 1))]
        case 2:
            return row + b" " * random.choice((1, 2, 44, 60))
    return row.ljust(200) + random.choice((b"X", b"\0", b"  X", b"\xa0"))


def other_student(row: bytes, random: Random, variant: Variant) -> bytes:
    """The line under an id that nobody, or a neighbour, has."""
    field = load_layout(variant)[row[3:6].decode("latin-1")]["state_identification_number"]
    text = row[field.span].decode("latin-1").strip()
    other = random.choice((step(text, random), text[:-1], f"{text[:-1]}X", f"9{text[1:]}", f"0{text}", "0"))
    return replaced(row, field, other)


Change = Callable[[bytes, Random, Variant], bytes]
CHANGES: tuple[Change, ...] = (*[near_boundary] * 8, *[junk_byte, other_student] * 2, moved_bytes, other_length)


def reframed(data: bytes, random: Random) -> bytes:
    """The file with other line ends, a byte-order mark, or something else after its last record."""
    if random.random() < 0.3:
        data = data.replace(b"\r\n", b"\n")
    if random.random() < 0.4:
        data = data.rstrip(b"\r\n")
    mark = random.choice((b"", b"", b"\xef\xbb\xbf"))
    return mark + data + random.choice((b"", b"", b"  ", b"\r\n\r\n", b"\n", b"\x1a", b"\r\n\x1a", b" \n \n\x1a"))


def broken(data: bytes, random: Random) -> bytes:
    """The file with one thing in it that may refuse it: a stray line, another year, a byte where none may stand."""
    rows = data.split(b"\r\n")
    place = random.randrange(max(1, len(rows) - 1))
    row = rows[place]
    rows[place : place + 1] = random.choice(
        (
            [row, b""],
            [row, b"   "],
            [b"name,grade", row],
            [row.lower()],
            [b"STS040" + row[6:]],
            [row[:6] + b"2019" + row[10:]],
            [row[:10] + b"099" + row[13:]],
            [row[:13] + b" " * 10 + row[23:]],
            [row[:15] + b"\0" + row[16:]],
            [row[:20]],
            [row + row],
            [row + b"\r" + row],
            [row[:90] + b"\n" + row[90:]],
        )
    )
    return random.choice((b"\r\n", b"\n")).join(rows)
