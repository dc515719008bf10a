"""Writes the demonstration set: `python -m schemas.louisiana_sts.demonstration FOLDER`.

Codes that the guide prints come with its page; everything else is invented, and says so in its first column. Invented
course codes begin with 99, invented credentials with 9, invented sponsors and sites stand at 017, 018 and 4D1.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from schemas.louisiana_sts.records import toml
from schemas.louisiana_sts.reference_csv import canonical, table_file

Rows = Iterable[Mapping[str, str]]

INVENTED = "demonstration: invented"
FIRST, LAST = 2014, 2030
"""The years for which the set has courses."""
SITES_EACH = 20

# --- Sponsors and sites (guide pp. 8-9, 113, 151) -----------------------------------------------------------------

SPONSORS = (
    ("017", "Heron Parish School District", "public", INVENTED),
    ("018", "Bayou Quill School District", "public", INVENTED),
    ("103", "Out of State", "other", "demonstration: guide p. 151, kind invented"),
    ("399", "FirstLine Schools", "charter", "demonstration: guide p. 9, kind invented"),
    ("4D1", "Lantern Community College", "postsecondary", INVENTED),
    ("504", "Lafayette Diocese", "nonpublic", "demonstration: guide p. 8, kind invented"),
    ("WAL", "JS Clark Leadership Academy", "charter", "demonstration: guide p. 9, kind invented"),
    ("9X9", "Closed Parish School District", "public", INVENTED),
)
CLOSED = {"9X9", "9X9001", "017021"}
"""Closed since 2019-2020, so that a code which exists no more can be shown."""

GUIDE_SITES = (
    ("399002", "Arthur Ashe Charter School", "lower", 9),
    ("504014", "Notre Dame High School", "high", 8),
    ("504019", "Our Mother of Peace Elementary School", "lower", 8),
    ("504020", "Rayne Catholic Elementary School", "lower", 8),
    ("504021", "Redemptorist Catholic School", "lower", 8),
    ("WAL001", "JS Clark Leadership Academy", "high", 9),
)
INVENTED_SITES = (
    *((f"{sponsor}{number:03d}", f"Heron High School {number}", "high") for sponsor in ("017", "018")
      for number in range(1, SITES_EACH + 1)),
    ("017021", "Heron Old High School", "high"),
    ("017031", "Heron Elementary School", "lower"),
    ("4D1001", "Lantern Community College, Main Campus", "postsecondary"),
    ("9X9001", "Closed High School", "high"),
)  # fmt: skip


def sponsors() -> Rows:
    for code, name, kind, source in SPONSORS:
        yield {"source": source, "sponsor_code": code, "name": name, "kind": kind, **years(code)}


def sites() -> Rows:
    guide = (
        (code, name, kind, f"demonstration: guide p. {page}, kind invented") for code, name, kind, page in GUIDE_SITES
    )
    for code, name, kind, source in [*guide, *((*site, INVENTED) for site in INVENTED_SITES)]:
        row = {"source": source, "site_code": code, "sponsor_code": code[:3], "name": name, "kind": kind}
        yield row | years(code)


def years(code: str) -> dict[str, str]:
    """When a code may be used."""
    return {"first_bssy": "2002", "last_bssy": "2018" if code in CLOSED else ""}


# --- Courses and core tables (guide pp. 44-48, 111-113) -----------------------------------------------------------

PAGE_46 = "demonstration: guide p. 46, flags invented"
PAGE_47 = "demonstration: guide p. 47, flags invented"

# Code, description, credit; flags: A may be AP, I may be IB, N needs a name, R repeatable, 5 five points, E experience.
# Then the categories that the course serves, as PATHWAY CATEGORY; `1` behind a category: used only when whole.
COURSES = (
    ("990101", "English I", 100, "", "TU01 CA01 L101"),
    ("990102", "English II", 100, "", "TU02 CA02 L101"),
    ("990103", "English III", 100, "", "TU03 CA03 L101"),
    ("990104", "English IV", 100, "", "TU04 CA04 L101"),
    ("990113", "English III AP: Language", 100, "A5", "TU03/1"),
    ("990114", "English IV AP: Literature", 100, "A5", "TU04/1"),
    ("990123", "English III IB", 100, "I5", "TU03/1"),
    ("990134", "Technical Writing", 100, "", "CA04"),
    ("990202", "Geometry", 100, "", "TU06 CA06 L102"),
    ("990203", "Algebra II", 100, "", "TU07 CA06 L102"),
    ("990204", "Advanced Mathematics", 100, "", "TU08 CA06"),
    ("990205", "Calculus AB", 100, "A5", "TU08/1"),
    ("990206", "Statistics", 100, "A5", "TU08/1"),
    ("990207", "Financial Literacy", 100, "", "CA06 L102"),
    ("990208", "Business Mathematics", 100, "", "CA06 L102"),
    ("990301", "Biology I", 100, "", "TU09 CA07 L103"),
    ("990302", "Chemistry I", 100, "", "TU10 CA08"),
    ("990303", "Physics I", 100, "", "TU11 TU12 CA08"),
    ("990304", "Environmental Science", 100, "", "TU11 TU12 CA08 L103"),
    ("990305", "Earth Science", 100, "", "TU11 TU12 CA08"),
    ("990306", "Biology II", 100, "AI5", "TU11/1 TU12/1"),
    ("990308", "Agriscience and Laboratory (2 credits)", 200, "", "TU11/2"),
    ("990401", "U.S. History", 100, "A5", "TU13 CA09 L104"),
    ("990402", "Government", 100, "A5", "TU14 CA10"),
    ("990403", "Economics", 100, "", "CA10 TU15 TU16"),
    ("990404", "World Geography", 100, "", "TU15 TU16 L104"),
    ("990405", "World History", 100, "AI5", "TU15 TU16"),
    ("990406", "Western Civilization", 100, "", "TU15 TU16"),
    ("990501", "French I", 100, "", "TU17"),
    ("990502", "French II", 100, "", "TU17"),
    ("990511", "Spanish I", 100, "", "TU17"),
    ("990512", "Spanish II", 100, "I", "TU17"),
    ("990591", "Foreign Language Elective", 100, "N", "TU17"),
    ("990601", "Fine Arts Survey", 100, "", "TU19"),
    ("990602", "Band", 100, "R", "TU19"),
    ("990603", "Chorus", 100, "R", "TU19"),
    ("990604", "Studio Art", 100, "A5", "TU19"),
    ("990701", "Physical Education I", 100, "", "TU20 CA12"),
    ("990702", "Physical Education II", 50, "", "TU20 CA12"),
    ("990703", "Health", 50, "", "TU20 CA12"),
    ("990801", "Driver Education", 50, "", ""),
    ("990802", "Publications", 100, "R", "L106"),
    ("990803", "General Elective", 100, "N", "L106"),
    ("990804", "Study Hall Leadership", 100, "", "L106"),
    ("990805", "Library Practice", 100, "", "L106"),
    ("990806", "Computer Applications", 100, "", "L106"),
    *((f"9909{number:02d}", f"Jump Start Course {number}", 100, "", "CA13 L113") for number in range(1, 10)),
)
GUIDE_COURSES = (
    ("160321", "Algebra I", 100, "", "TU05 CA05 L102", "demonstration: guide p. 113, flags invented"),
    ("220501", "Civics - 1st semester", 100, "", "TU14 CA10 L104", "demonstration: guide p. 111, flags invented"),
    ("190100", "Adapted PE I", 100, "", "TU20 CA12 L106", PAGE_47),
    ("190097", "Adapted PE II", 100, "", "TU20 CA12 L106", PAGE_47),
    ("500051", "Applied ELA I (NO CREDIT)", 100, "E", "L101", PAGE_46),
    ("500056", "Applied ELA II (NO CREDIT)", 100, "E", "L101", PAGE_47),
    ("500057", "Applied ELA III (NO CREDIT)", 100, "E", "L101", PAGE_47),
    ("500058", "Applied ELA IV (NO CREDIT)", 100, "E", "L101", PAGE_47),
    ("500052", "Applied Math I (NO CREDIT)", 100, "E", "L102", PAGE_46),
    ("500059", "Applied Math II (NO CREDIT)", 100, "E", "L102", PAGE_47),
    ("500060", "Applied Math III (NO CREDIT)", 100, "E", "L102", PAGE_47),
    ("500061", "Applied Math IV (NO CREDIT)", 100, "E", "L102", PAGE_47),
    ("500053", "Applied Science I (NO CREDIT)", 100, "E", "L103", PAGE_46),
    ("500062", "Applied Science II (NO CREDIT)", 100, "E", "L103", PAGE_47),
    ("500054", "Applied Soc St I (NO CREDIT)", 100, "E", "L104", PAGE_46),
    ("500065", "Applied Soc St II (NO CREDIT)", 100, "E", "L104", PAGE_47),
    ("500055", "Applied Elective (NO CREDIT)", 100, "E", "L106", PAGE_46),
    ("500104", "Study Skills (NO CREDIT)", 100, "E", "L106", PAGE_46),
    ("500300", "Community Based Instruction 1 (NO CREDIT)", 100, "E", "L113", PAGE_46),
    *((f"50030{number - 1}", f"Community Based Instruction {number} (NO CREDIT)", 100, "E", "L113", PAGE_47)
      for number in range(2, 9)),
)  # fmt: skip

CATEGORIES = (
    ("TU", "01", "ENGLISH I", 100, 44),
    ("TU", "02", "ENGLISH II", 100, 44),
    ("TU", "03", "ENGLISH III", 100, 44),
    ("TU", "04", "ENGLISH IV", 100, 44),
    ("TU", "05", "ALGEBRA I", 100, 44),
    ("TU", "06", "GEOMETRY", 100, 44),
    ("TU", "07", "ALGEBRA II", 100, 44),
    ("TU", "08", "MATH - 4TH UNIT", 100, 44),
    ("TU", "09", "BIOLOGY I", 100, 44),
    ("TU", "10", "CHEMISTRY I", 100, 44),
    ("TU", "11", "SCIENCE ELECTIVES 1ST UNIT", 100, 44),
    ("TU", "12", "SCIENCE ELECTIVES 2ND UNIT", 100, 44),
    ("TU", "13", "U.S HISTORY", 100, 44),
    ("TU", "14", "CIVICS & GOVT", 100, 44),
    ("TU", "15", "SOCIAL STUDIES ELECTIVES 1ST UNIT", 100, 44),
    ("TU", "16", "SOCIAL STUDIES ELECTIVES 2ND UNIT", 100, 44),
    ("TU", "17", "FOREIGN LANGUAGE", 200, 44),
    ("TU", "19", "ARTS", 100, 44),
    ("TU", "20", "HEALTH & PE", 200, 44),
    ("CA", "01", "ENGLISH I", 100, 45),
    ("CA", "02", "ENGLISH II", 100, 45),
    ("CA", "03", "ENGLISH III", 100, 45),
    ("CA", "04", "ENGLISH IV", 100, 45),
    ("CA", "05", "ALGEBRA I", 100, 45),
    ("CA", "06", "MATH ELECTIVES", 300, 45),
    ("CA", "07", "BIOLOGY I", 100, 45),
    ("CA", "08", "SCIENCE ELECTIVE", 100, 45),
    ("CA", "09", "U. S. HISTORY", 100, 45),
    ("CA", "10", "CIVICS/GOVT/ECON", 100, 45),
    ("CA", "12", "HEALTH & PE", 200, 45),
    ("CA", "13", "JUMP START COURSES", 900, 45),
    ("L1", "01", "ENGLISH", 400, 46),
    ("L1", "02", "MATHEMATICS", 400, 46),
    ("L1", "03", "SCIENCE", 200, 46),
    ("L1", "04", "SOCIAL STUDIES", 200, 46),
    ("L1", "06", "GENERAL ELECTIVES", 400, 46),
    ("L1", "13", "WORKFORCE & CAREER", 700, 46),
)
"""Of the guide, pp. 44-46: pathway, category, what it asks for, hundredths of a credit, page."""

AIMED = {
    "R01": "Diesel",
    "R11": "Carpentry",
    "S01": "Health Care",
    "S05": "Hospitality",
    "T01": "Coding",
    "T06": "Welding",
}
"""Jump Start pathways with courses of their own; the names are invented."""
AIMED_COURSES = tuple(
    (f"99{80 + place}{number:02d}", f"{name} {level}", option)
    for place, (option, name) in enumerate(AIMED.items())
    for number, level in enumerate(("I", "II", "III"), start=1)
)
AWARDS = {"TC": "TU", "TJ": "CA"}
"""A TOPS award takes its pathway's categories but for Health & PE."""
HEALTH_AND_PE = {"TU": "20", "CA": "12"}
GRADUATION_YEARS = {"first_graduation_bssy": "2017", "last_graduation_bssy": ""}
FLAGS = {"ap": "A", "ib": "I", "name_required": "N", "repeatable": "R", "five_point": "5", "experience_only": "E"}


def offered() -> Iterator[tuple[str, str, int, str, str, str]]:
    """Every course: code, description, credit, flags, what it serves, source."""
    yield from ((*course, INVENTED) for course in COURSES)
    yield from GUIDE_COURSES
    yield from ((code, name, 100, "", "", INVENTED) for code, name, _ in AIMED_COURSES)


def courses() -> Rows:
    for bssy in range(FIRST, LAST + 1):
        for code, description, credit, marks, _, source in offered():
            flags = {column: "Y" if mark in marks else "N" for column, mark in FLAGS.items()}
            row = {"source": source, "bssy": str(bssy), "course_code": code, "description": description}
            yield row | {"credit": f"{credit:03d}", **flags}


def core_categories() -> Rows:
    for pathway, category, description, credit, page in CATEGORIES:
        for curriculum in curricula(pathway, category):
            yield {
                "source": f"demonstration: guide p. {page}, years invented",
                "curriculum": curriculum,
                "category": category,
                "description": description,
                "credit_required": f"{credit:03d}",
                **GRADUATION_YEARS,
            }


def curricula(pathway: str, category: str) -> list[str]:
    """The pathway, and the award that goes with it."""
    return [pathway, *(one for one, of in AWARDS.items() if of == pathway and category != HEALTH_AND_PE[pathway])]


def core() -> Rows:
    for code, _, credit, _, serves, _ in offered():
        for entry in serves.split():
            place, _, whole = entry.partition("/")
            yield from entries(code, place[:2], place[2:], "01", "", credit, credit if whole else 50)
    for code, _, option in AIMED_COURSES:
        yield from entries(code, "CA", "13", option, option, 100, 50)


def entries(
    code: str, pathway: str, category: str, group: str, option: str, allowed: int, required: int
) -> Iterator[dict[str, str]]:
    """A course's place in a pathway, and in the award that goes with it."""
    for curriculum in curricula(pathway, category):
        yield {
            "source": INVENTED,
            "curriculum": curriculum,
            "category": category,
            "set": group,
            "course_code": code,
            "career_option_code": option,
            "credit_allowed": f"{allowed:03d}",
            "credit_required": f"{required:03d}",
            **GRADUATION_YEARS,
        }


# --- Codes (guide pp. 40, 105, 127-130) -----------------------------------------------------------------------------

CREDENTIALS = (
    ("901", "Signal Maker Certificate", ""),
    ("902", "Lantern Safety Card", ""),
    ("903", "Harbor Welding Level 1", ""),
    ("904", "Orchard Keeper Certificate", ""),
    ("905", "Ledger Clerk Certificate", ""),
    ("909", "Telegraph Operator License", "2018"),
)
VENDORS = ("V01", "V02")
FAFSA = {"1": "FAFSA Completion", "2": "TOPS Form Completion", "3": "Parent/Guardian Waiver", "4": "Hardship Waiver"}


def credentials() -> Rows:
    for code, name, last in CREDENTIALS:
        yield {"source": INVENTED, "ibc_code": code, "description": name, "first_bssy": "2002", "last_bssy": last}


def credential_vendors() -> Rows:
    for code, _, _ in CREDENTIALS:
        for vendor in VENDORS:
            yield {"source": INVENTED, "ibc_code": code, "vendor_code": vendor}


def career_options() -> Rows:
    for kind, group in (("area_of_concentration", "area_of_concentration"), ("jump_start", "jump_start_pathway")):
        for row in toml("career_options.toml")[group]:
            yield option(row["code"], kind, row["name"], row["page"])
    yield option("CDV", "historical", "Career Diploma", 53)


def option(code: str, kind: str, name: str, page: int) -> dict[str, str]:
    source = f"demonstration: guide p. {page}, years invented"
    lasts = {"first_bssy": "2002", "last_bssy": ""}
    return {"source": source, "code": code, "kind": kind, "description": name, **lasts}


def fafsa() -> Rows:
    for code, name in FAFSA.items():
        source = "demonstration: guide p. 105, years invented"
        yield {"source": source, "code": code, "description": name, "first_bssy": "2017", "last_bssy": ""}


TABLES = {
    "career_options": career_options,
    "core": core,
    "core_categories": core_categories,
    "courses": courses,
    "credential_vendors": credential_vendors,
    "credentials": credentials,
    "fafsa": fafsa,
    "sites": sites,
    "sponsors": sponsors,
}


def files() -> dict[str, bytes]:
    """Each file of the set by its name."""
    return {f"{name}.csv": canonical(table_file(name).columns, ordered(name, rows())) for name, rows in TABLES.items()}


def ordered(name: str, rows: Rows) -> list[Mapping[str, str]]:
    key = table_file(name).key
    return sorted(rows, key=lambda row: [row[column] for column in key])


if __name__ == "__main__":
    for file, content in files().items():
        (Path(sys.argv[1]) / file).write_bytes(content)
