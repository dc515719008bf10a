"""Small reference tables under which the base set of `builder` is clean."""

from schemas.reference import ReferenceTable, ReferenceTables, Row
from tests.unit.schemas.builder import SECTOR, STATE_IDS, STUDENT

LASID = STATE_IDS["public"]


def made(name: str, columns: str, *rows: str) -> ReferenceTable:
    """A table of rows written as `a|b|c`."""
    cells = [dict(zip(columns.split("|"), row.split("|"), strict=True)) for row in rows]
    return ReferenceTable(name, 1990, f"digest of {name}", cells)


SPONSORS = made(
    "sponsors",
    "sponsor_code|kind|first_bssy|last_bssy",
    "017|public|1990|",
    "018|public|1990|",
    "103|other|1990|",
    "400|postsecondary|1990|",
)
SITES = made(
    "sites",
    "site_code|sponsor_code|kind|first_bssy|last_bssy",
    "017001|017|high|1990|",
    "017002|017|high|2025|2025",
    "017003|017|high|1990|2024",
    "017004|017|high|2026|",
    "017005|017|lower|1990|",
    "017006|017|high|1990|2030",
    "018001|018|high|1990|",
    "400001|400|postsecondary|1990|",
)
COURSES = made(
    "courses",
    "bssy|course_code|credit|ap|name_required|repeatable",
    *(f"2025|9901{number:02d}|100|N|N|N" for number in range(1, 25)),
    "2025|160321|100|Y|N|N",
    "2004|990101|100|N|N|N",
    "2005|990101|100|N|N|N",
    "2024|990102|100|N|N|N",
    "2025|990130|100|N|Y|N",
    "2025|990140|100|N|N|Y",
)
CREDENTIALS = made("credentials", "ibc_code|first_bssy|last_bssy", "901|2000|", "7|2000|")
OPTIONS = made(
    "career_options", "code|kind", "A01|area_of_concentration", "R01|jump_start", "S99|jump_start", "CDV|historical"
)
FAFSA = made("fafsa", "code|description", "1|done", "7|new")
LOSFA = made(
    "losfa_fafsa",
    "state_identification_number|bssy|fafsa_application_flag",
    f"{LASID}|2024|1",
    "7712345679|2025|1",
)
SPECIAL = made(
    "special_education",
    "state_identification_number|bssy|laa1|act_833",
    f"{LASID}|2025|Y|N",
    "7712345670|2025|N|Y",
    "7712345679|2024|Y|N",
)
PROFILE = made("profile", "sponsor_code|site_code", "017|017001", "018|")


def identities(**changes: str) -> ReferenceTable:
    """The base student as eScholar has them."""
    flags = {name: value for name, value in STUDENT.items() if name.endswith("_flag") and "race" in name}
    flags["hispanic_latino_ethnicity_flag"] = STUDENT["hispanic_latino_ethnicity_flag"]
    row: Row = {
        "state_identification_number": LASID,
        "first_name": "Vorimquenda",
        "middle_name": "",
        "last_name": "Zylthmarope",
        "suffix_name": "",
        "birth_date": f"2008-03-{SECTOR['public']['day_of_birth']}",
        "social_security_number": "",
        "sex_code": STUDENT["sex_code"],
        **flags,
        **changes,
    }
    return ReferenceTable("identities", 1990, f"digest of identities {sorted(changes.items())}", [row])


ALL = (SPONSORS, SITES, COURSES, CREDENTIALS, OPTIONS, FAFSA, LOSFA, SPECIAL, PROFILE, identities())
BY_NAME = {table.name: table for table in ALL}


def given(*names: str) -> ReferenceTables:
    """Some of the tables by name."""
    return ReferenceTables({name: BY_NAME[name] for name in names})


TABLES = given(*BY_NAME)
