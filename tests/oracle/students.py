"""The codes of one 020, each by its sentence in Appendix K (pp. 133-135, 138). Those with U and 203 to 205 differ by
sector.

A code whose operand is missing or not of its form is not raised by a comparison: another code says so.
"""

import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta

from tests.oracle.facts import is_active
from tests.oracle.reading import File, Row
from tests.oracle.values import LETTERS, is_code, is_digits, is_letter, number, real_date

RACE_FLAGS = (
    "hispanic_latino_ethnicity_flag",
    "american_indian_or_alaskan_native_race_flag",
    "asian_race_flag",
    "black_or_african_american_race_flag",
    "native_hawaiian_or_other_pacific_islander_race_flag",
    "white_race_flag",
)
SUBJECT_FLAGS = (
    "eoc_subject_area_ela",
    "eoc_subject_area_math",
    "eoc_subject_area_science",
    "eoc_subject_area_social_studies",
)
ENDORSEMENTS = (
    "academic_endorsement_code",
    "career_tech_endorsement_code",
    "community_service_endorsement",
    "state_seal_of_biliteracy_endorsement",
)
GRADES_9_TO_12 = (b"09", b"10", b"11", b"12")
OLD_PATHWAYS = (b"C4", b"C5", b"C6", b"CD")
NEW_PATHWAYS = (b"CA", b"TU", b"L1")
UNDECIDED_PATHWAYS = (b"ND", b"NG")
PATHWAYS = OLD_PATHWAYS + NEW_PATHWAYS + UNDECIDED_PATHWAYS


def ranges(text: str) -> frozenset[bytes]:
    """Codes like A01-04 B01-08: a letter and two digits."""
    spans = ((word[0], word[1:3], word[-2:]) for word in text.split())
    return frozenset(f"{letter}{n:02d}".encode() for letter, low, high in spans for n in range(int(low), int(high) + 1))


AREAS = ranges(
    "A01-04 B01-08 C01-10 D01-02 E01-03 F01-02 G01 H01-07 I01-02 J01-04 K01-06 L01-02 M01-05 N01-04 O01-03 P01-06"
)
"""Areas of concentration (pp. 127-128), for C5 and C6."""
JUMP_START = ranges("R01-03 R11-12 R21-22 R31-35 S01-23 T01-08 T10 T15-17")
"""Jump Start pathways (pp. 129-130), for CA: the list as printed, gaps and all (CO-01)."""
CDV = frozenset({b"CDV"})
OPTIONS = {b"C5": AREAS, b"C6": AREAS, b"CA": JUMP_START, b"CD": CDV}
KINDS = {b"C5": "area_of_concentration", b"C6": "area_of_concentration", b"CA": "jump_start", b"CD": "historical"}


def code_u01(row: Row, file: File) -> bool:
    """p. 133: not exactly 10 digits."""
    return not is_digits(row["state_identification_number"], 10)


def code_u06(row: Row, file: File) -> bool:
    """p. 133: the day is numeric between 01 and 31, and eScholar's."""
    born = in_escholar(row, file, "birth_date")
    return not is_day(row["day_of_birth"]) or (born != b"" and row["day_of_birth"] != born[-2:])


def code_u02(row: Row, file: File) -> bool:
    """p. 133: eScholar does not hold the ten digits."""
    state_id = row["state_identification_number"]
    return is_digits(state_id, 10) and file.facts.lacks("identities", state_identification_number=state_id)


def code_u03(row: Row, file: File) -> bool:
    """p. 133: not the first letter of eScholar's first name."""
    name = in_escholar(row, file, "first_name")
    return name != b"" and not begins_so(name, row["partial_first_name"], 1)


def code_u04(row: Row, file: File) -> bool:
    """p. 133: not the first three letters of eScholar's last name."""
    name = in_escholar(row, file, "last_name")
    return name != b"" and not begins_so(name, row["partial_last_name"], 3)


def code_u07(row: Row, file: File) -> bool:
    """p. 133: one of the six flags is not eScholar's."""
    held = [in_escholar(row, file, name) for name in RACE_FLAGS]
    return b"" not in held and held != [row[name] for name in RACE_FLAGS]


def code_u08(row: Row, file: File) -> bool:
    """p. 133: not eScholar's gender."""
    held = in_escholar(row, file, "sex_code")
    return held not in (b"", row["sex_code"])


def code_201(row: Row, file: File) -> bool:
    """p. 134: six characters without a blank inside, an active site in SPS."""
    known = file.facts.row("sites", site_code=row["site_code"])
    active = known is not None and is_active(known, file.bssy)
    return not is_code(row["site_code"], 6) or (file.facts.given("sites") and not active)


def code_202(row: Row, file: File) -> bool:
    """p. 134: the first three are the sponsor's; a missing site is 201 alone."""
    return row["site_code"][:3].strip(b" ") != b"" and row["site_code"][:3] != file.sponsor


def code_203(row: Row, file: File) -> bool:
    """p. 134: public one letter, nonpublic any name."""
    return not (is_letter(row["partial_first_name"]) if file.variant == "public" else row["first_name"])


def code_204(row: Row, file: File) -> bool:
    """p. 134: public up to three characters of a name, one of them a letter; nonpublic any name."""
    if file.variant == "nonpublic":
        return not row["last_name"]
    last = row["partial_last_name"]
    is_name = all(byte in LETTERS or byte in b"'-. " for byte in last) and any(byte in LETTERS for byte in last)
    return not is_name or last.startswith(b" ")


def code_205(row: Row, file: File) -> bool:
    """p. 134: public a day 01-31, nonpublic a date."""
    return not is_day(row["day_of_birth"]) if file.variant == "public" else real_date(row["birth_date"]) is None


def code_206(row: Row, file: File) -> bool:
    """p. 134: six flags of Y or N, at least one Y."""
    flags = [row[name] for name in RACE_FLAGS]
    return any(flag not in (b"Y", b"N") for flag in flags) or b"Y" not in flags


def code_207(row: Row, file: File) -> bool:
    """p. 134."""
    return row["sex_code"] not in (b"M", b"F")


def code_208(row: Row, file: File) -> bool:
    """p. 134, where 9 is a misprint of 09 (PUB-05)."""
    return row["grade_placement_code"] not in (b"08", b"T9", *GRADES_9_TO_12)


def code_209(row: Row, file: File) -> bool:
    """p. 134: 09-12 a four-digit year not after the BSSY, 08 blank (T9 is 226)."""
    entry = row["grade_9_entry_year"]
    if row["grade_placement_code"] in GRADES_9_TO_12:
        year = number(entry, 4)
        return year is None or year > file.bssy
    return row["grade_placement_code"] == b"08" and entry != b""


def code_210(row: Row, file: File) -> bool:
    """p. 134, with the two weeks of pp. 76 and 96 (PUB-18)."""
    if not row["graduation_date"]:
        return False
    day = real_date(row["graduation_date"])
    return day is None or day > file.today + timedelta(days=14)


def code_212(row: Row, file: File) -> bool:
    """p. 135: unknown, or missing where CA, C5 or C6 take one (p. 43: C4 takes none)."""
    option = row["career_option_code"]
    if option:
        return all(option not in codes for codes in options(file).values())
    return row["diploma_pathway"] in (b"CA", b"C5", b"C6")


def code_213(row: Row, file: File) -> bool:
    """p. 135: a site outside those of the sponsor that the user's profile names; an empty one there stands for all."""
    allowed = file.facts.column("profile", "site_code", sponsor_code=file.sponsor.decode("latin-1"))
    is_outside = is_code(row["site_code"], 6) and not {b"", row["site_code"]} & allowed
    return file.facts.given("profile") and is_outside


def code_214(row: Row, file: File) -> bool:
    """p. 135; 230 is the same condition and the same finding. A missing grade is 208 alone."""
    return bool(row["graduation_date"]) and row["grade_placement_code"] not in (b"", b"11", b"12")


def code_215(row: Row, file: File) -> bool:
    """p. 135: outside 9/1 of the BSSY to 8/31 of the next year (R-028); no date at all is 210."""
    day = real_date(row["graduation_date"])
    return day is not None and not date(file.bssy, 9, 1) <= day <= date(file.bssy + 1, 8, 31)


def code_218(row: Row, file: File) -> bool:
    """p. 135."""
    return row["met_gee_eoc_flag"] not in (b"", b"Y", b"E", b"A", b"G")


def code_220(row: Row, file: File) -> bool:
    """p. 135: a position is 1 up to the size, both zero-padded (p. 100)."""
    if not row["local_rank_in_class_position"]:
        return False
    position, size = number(row["local_rank_in_class_position"], 4), number(row["local_rank_in_class_size"], 4)
    return position is None or size is None or not 1 <= position <= size


def code_221(row: Row, file: File) -> int:
    """p. 135: each endorsement without a graduation date (all four fields, R-146)."""
    return 0 if row["graduation_date"] else sum(row[name] != b"" for name in ENDORSEMENTS if name in row)


def code_224(row: Row, file: File) -> bool:
    """p. 135: every student has a pathway."""
    return row["diploma_pathway"] == b""


def code_226(row: Row, file: File) -> bool:
    """p. 135: T9 carries no entry year (PUB-06)."""
    return row["grade_placement_code"] == b"T9" and row["grade_9_entry_year"] != b""


def code_229(row: Row, file: File) -> bool:
    """p. 135: a listed option on a pathway that takes another, or none (PW-02, PW-10)."""
    option, pathway, taken = row["career_option_code"], row["diploma_pathway"], options(file)
    is_listed = any(option in codes for codes in taken.values())
    return is_listed and pathway in PATHWAYS and option not in taken.get(pathway, ())


def code_231(row: Row, file: File) -> bool:
    """p. 135: entered grade 9 in 2013 or before."""
    year = number(row["grade_9_entry_year"], 4)
    return year is not None and year <= 2013 and row["diploma_pathway"] not in (b"", *OLD_PATHWAYS, *UNDECIDED_PATHWAYS)


def code_232(row: Row, file: File) -> bool:
    """p. 135: entered grade 9 in 2014 or after; an unknown pathway lands here too where no entry year is given."""
    entry, pathway = row["grade_9_entry_year"], row["diploma_pathway"]
    year = number(entry, 4)
    if year is None:
        return pathway != b"" and pathway not in PATHWAYS
    return year >= 2014 and pathway not in (b"", *NEW_PATHWAYS, *UNDECIDED_PATHWAYS)


def code_233(row: Row, file: File) -> bool:
    """p. 135: not declared after April 1 of grade 10 (PW-08)."""
    grade = row["grade_placement_code"]
    late = grade in (b"11", b"12") or (grade == b"10" and file.today > date(file.bssy + 1, 4, 1))
    return row["diploma_pathway"] == b"ND" and late


def code_234(row: Row, file: File) -> bool:
    """p. 135, with blanks allowed as pp. 107-109 leave unmet subjects blank (R-153)."""
    flags = [row[name] for name in SUBJECT_FLAGS]
    given = [flag for flag in flags if flag]
    match row["met_gee_eoc_flag"]:
        case b"Y" | b"E":
            return bool(given)
        case b"A":
            return not given or any(flag not in (b"A", b"P") for flag in given)
        case b"G":
            return not given or any(flag not in (b"G", b"P") for flag in given)
        case b"":
            return b"A" in given
    return False


def code_241(row: Row, file: File) -> bool:
    """p. 136: 1 to 4, or what the list says; a blank on a graduate is 242 (PUB-26)."""
    flag = row["fafsa_application_flag"]
    if flag and file.facts.given("fafsa"):
        return file.facts.lacks("fafsa", code=flag)
    return flag not in (b"", b"1", b"2", b"3", b"4")


def code_242(row: Row, file: File) -> bool:
    """p. 136: a graduate with a value neither here nor with LOSFA."""
    needs = row["graduation_date"] != b"" and row["fafsa_application_flag"] == b""
    return needs and file.facts.lacks("losfa_fafsa", **person_and_year(row, file))


def code_349(row: Row, file: File) -> bool:
    """p. 138: L1 without an assessment on LAA1 in SER."""
    held = file.facts.row("special_education", **person_and_year(row, file))
    unmarked = held is None or held["laa1"] != "Y"
    return row["diploma_pathway"] == b"L1" and file.facts.given("special_education") and unmarked


def code_350(row: Row, file: File) -> bool:
    """p. 138: CDV arrives in a batch file."""
    return row["career_option_code"] == b"CDV"


def code_v02(row: Row, file: File) -> bool:
    """R-007: a nonpublic student goes by nine digits."""
    return not is_digits(row["state_identification_number"], 9)


def code_v03(row: Row, file: File) -> bool:
    """R-011: above 899999999 stand only the temporary numbers of the 99 form."""
    state_id = row["state_identification_number"]
    return is_digits(state_id, 9) and state_id > b"899999999" and not state_id.startswith(b"99")


def code_v04(row: Row, file: File) -> bool:
    """R-010: the local id is required (pp. 59, 90)."""
    return row["local_identification_number"] == b""


def code_v05(row: Row, file: File) -> bool:
    """R-010: the local id is not the state id; a LASID of ten digits would not fit its nine columns."""
    return row["local_identification_number"] == row["state_identification_number"] != b""


def person_and_year(row: Row, file: File) -> dict[str, bytes]:
    """The key of the tables about persons."""
    return {"state_identification_number": row["state_identification_number"], "bssy": str(file.bssy).encode()}


def in_escholar(row: Row, file: File, column: str) -> bytes:
    """What eScholar holds of the student, b"" where it says nothing."""
    held = file.facts.row("identities", state_identification_number=row["state_identification_number"])
    return held[column].encode("latin-1", "replace") if held else b""


def begins_so(name: bytes, sent: bytes, length: int) -> bool:
    """Whether a name begins with what was sent, accents, case and what is no letter aside (R-008)."""
    whole, part = plain(name), plain(sent)
    return part in (whole[:length].strip(), "".join(char for char in whole if char.isalpha())[:length])


def plain(name: bytes) -> str:
    """The text in small letters without accents."""
    apart = unicodedata.normalize("NFKD", name.decode("latin-1"))
    return "".join(char for char in apart if not unicodedata.combining(char)).casefold().strip()


def options(file: File) -> Mapping[bytes, frozenset[bytes]]:
    """The career options that each pathway takes: as the table lists them, or as the guide does."""
    if not file.facts.given("career_options"):
        return OPTIONS
    by_kind = {kind: file.facts.column("career_options", "code", kind=kind) for kind in KINDS.values()}
    return {pathway: by_kind[kind] for pathway, kind in KINDS.items()}


def is_day(value: bytes) -> bool:
    return is_digits(value, 2) and 1 <= int(value) <= 31


VALUES = {
    "academic_endorsement_code": (b"A1", b"A2", b"A3", b"A4"),
    "career_tech_endorsement_code": (b"B1", b"B2", b"J1", b"J2", b"J3", b"J4"),
    "community_service_endorsement": (b"C1",),
    "state_seal_of_biliteracy_endorsement": (b"D1", b"D2", b"D3", b"D4", b"D5", b"D6"),
}


def faults_outside_the_guide(row: Row, file: File) -> list[str]:
    """V01 for each value not in its list that no code of the guide names (R-146), V07 for each filler in use."""
    bad = [name for name, values in VALUES.items() if name in row and row[name] not in (b"", *values)]
    found = ["V01" for _ in bad if row["graduation_date"]]
    found += ["V01" for _ in (1,) if row["parental_guardian_consent_flag"] not in (b"", b"Y", b"N")]
    subjects = [row[name] for name in SUBJECT_FLAGS if name in row]
    found += ["V01" for flag in subjects if flag not in (b"", b"P", b"A", b"G")] if not row["met_gee_eoc_flag"] else []
    return found + ["V07" for name in row.columns if name.startswith("filler") and row[name]]


PUBLIC_ONLY = frozenset({"U01", "U02", "U03", "U04", "U06", "U07", "U08", "234", "241", "242", "349"})
NONPUBLIC_ONLY = frozenset({"V02", "V03", "V05"})
