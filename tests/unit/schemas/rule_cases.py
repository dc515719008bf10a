"""For each row of the rule table: the smallest changes that raise it, and the nearest that do not.

A case is (code, record, changes that raise it, changes that do not, sectors). The changes are to a valid base set; a
raising case raises nothing but its code, unless `beside` names what the same bytes also mean. `given` names the
reference tables (of `tables`) that are at hand.
"""

from dataclasses import dataclass, field

from schemas.layout import Variant
from tests.unit.schemas.builder import HALF

Changes = dict[str, str]
BOTH: tuple[Variant, ...] = ("public", "nonpublic")
PUBLIC: tuple[Variant, ...] = ("public",)
NONPUBLIC: tuple[Variant, ...] = ("nonpublic",)

GRADUATE: Changes = {"graduation_date": "05152026", "met_gee_eoc_flag": "Y"}
CA: Changes = {"diploma_pathway": "CA", "career_option_code": "R01"}
OLD: Changes = {"grade_9_entry_year": "2013"}
EXEMPT: Changes = {
    "letter_grade_code": "E",
    "credit_attempted_count": "000",
    "credit_earned_count": "000",
    "quality_points_awarded_count": "000",
    "core_curriculum_waiver_flag": "Y",
}
FAILED: Changes = {"letter_grade_code": "F", "credit_earned_count": "000", "quality_points_awarded_count": "000"}
PASS: Changes = {"letter_grade_code": "P", "quality_points_awarded_count": "000"}
TOP: Changes = {"letter_grade_code": "A", "quality_points_awarded_count": "400"}
COLLEGE: Changes = {
    "course_type_code": "DE",
    "dual_enrollment_postsecondary_credit_hours_earned": "0300",
    "dual_enrollment_secondary_site": "017001",
}
PART_1: Changes = {**HALF, "course_part_number": "1"}
PART_2: Changes = {**HALF, "course_part_number": "2"}
OUTSIDE: Changes = {"course_sponsor_code": "", "course_site_code": "", "course_site_name": "Elsewhere High"}
UNTYPED: Changes = {"course_type_code": "", "course_beginning_school_session_year": "2002"}
HOURS, SECONDARY = "dual_enrollment_postsecondary_credit_hours_earned", "dual_enrollment_secondary_site"
POSITION, SIZE = "local_rank_in_class_position", "local_rank_in_class_size"
RACES = (
    "hispanic_latino_ethnicity_flag",
    "american_indian_or_alaskan_native_race_flag",
    "asian_race_flag",
    "black_or_african_american_race_flag",
    "native_hawaiian_or_other_pacific_islander_race_flag",
    "white_race_flag",
)


@dataclass(frozen=True)
class Case:
    code: str
    record: str
    bad: Changes
    good: Changes = field(default_factory=dict)
    sectors: tuple[Variant, ...] = BOTH
    beside: tuple[str, ...] = ()
    given: tuple[str, ...] = ()


def student(code: str, bad: Changes, good: Changes, sectors: tuple[Variant, ...] = BOTH, *beside: str) -> Case:
    return Case(code, "020", bad, good, sectors, beside)


def course(code: str, bad: Changes, good: Changes, *beside: str) -> Case:
    return Case(code, "030", bad, good, BOTH, beside)


def credential(code: str, bad: Changes, good: Changes, sectors: tuple[Variant, ...] = BOTH) -> Case:
    return Case(code, "050", bad, good, sectors)


CASES: tuple[Case, ...] = (
    student("U06", {"day_of_birth": "00"}, {"day_of_birth": "01"}, PUBLIC, "205"),
    student("205", {"day_of_birth": "32"}, {"day_of_birth": "31"}, PUBLIC, "U06"),
    student("205", {"day_of_birth": " 9"}, {"day_of_birth": "09"}, PUBLIC, "U06"),
    student("205", {"birth_date": "02292009"}, {"birth_date": "02292008"}, NONPUBLIC),
    student("205", {"birth_date": ""}, {"birth_date": "12311999"}, NONPUBLIC),
    student("201", {"site_code": "017 01"}, {"site_code": "017X01"}),
    student("201", {"site_code": ""}, {"site_code": "017999"}),
    student("202", {"site_code": "018001"}, {"site_code": "017002"}),
    student("203", {"partial_first_name": "7"}, {"partial_first_name": "É"}, PUBLIC),
    student("203", {"partial_first_name": ""}, {"partial_first_name": "v"}, PUBLIC),
    student("203", {"first_name": ""}, {"first_name": "Ng"}, NONPUBLIC),
    student("204", {"partial_last_name": "1AB"}, {"partial_last_name": "O'B"}, PUBLIC),
    student("204", {"partial_last_name": " AB"}, {"partial_last_name": "NG"}, PUBLIC),
    student("204", {"partial_last_name": "-"}, {"partial_last_name": "D-Á"}, PUBLIC),
    student("204", {"last_name": ""}, {"last_name": "Ng"}, NONPUBLIC),
    student("206", {"asian_race_flag": "X"}, {"white_race_flag": "Y"}),
    student("206", {"asian_race_flag": ""}, {}),
    student("206", dict.fromkeys(RACES, "N"), dict.fromkeys(RACES, "Y")),
    student("207", {"sex_code": "X"}, {"sex_code": "M"}),
    student("207", {"sex_code": ""}, {"sex_code": "F"}),
    student("208", {"grade_placement_code": "13"}, {"grade_placement_code": "10"}),
    student("208", {"grade_placement_code": "9"}, {"grade_placement_code": "09"}),
    student("208", {"grade_placement_code": ""}, {"grade_placement_code": "11"}),
    student("209", {"grade_9_entry_year": "2026"}, {"grade_9_entry_year": "2025"}),
    student("209", {"grade_9_entry_year": ""}, {}),
    student("209", {"grade_9_entry_year": "20 2"}, {}),
    *(student("209", {"grade_placement_code": grade, "grade_9_entry_year": ""}, {}) for grade in ("09", "10", "11")),
    student("209", {"grade_placement_code": "08"}, {"grade_placement_code": "08", "grade_9_entry_year": ""}),
    student("226", {"grade_placement_code": "T9"}, {"grade_placement_code": "T9", "grade_9_entry_year": ""}),
    student("210", {"graduation_date": "02302026"}, {**GRADUATE, "graduation_date": "02282026"}),
    student("210", {"graduation_date": "07152026"}, {**GRADUATE, "graduation_date": "07142026"}),
    student("210", {"graduation_date": "5152026"}, GRADUATE),
    student("212", {"career_option_code": "Z99"}, {}),
    *(student("212", {**CA, "diploma_pathway": path, "career_option_code": "Z99"}, CA) for path in ("CA", "L1")),
    *(student("212", {**OLD, "diploma_pathway": path, "career_option_code": "Z99"}, {}) for path in ("C5", "CD")),
    student("212", {"diploma_pathway": "CA"}, CA),
    student("212", {**OLD, "diploma_pathway": "C5"}, {**OLD, "diploma_pathway": "C5", "career_option_code": "A01"}),
    student("212", {**OLD, "diploma_pathway": "C6"}, {**OLD, "diploma_pathway": "C4"}),
    student("229", {**CA, "career_option_code": "A01"}, {**CA, "career_option_code": "T17"}),
    student(
        "229",
        {**OLD, "diploma_pathway": "C5", "career_option_code": "R01"},
        {**OLD, "diploma_pathway": "C6", "career_option_code": "P06"},
    ),
    student("229", {**OLD, "diploma_pathway": "CD", "career_option_code": "A01"}, {**OLD, "diploma_pathway": "CD"}),
    student(
        "229",
        {**OLD, "diploma_pathway": "C6", "career_option_code": "R01"},
        {**OLD, "diploma_pathway": "C6", "career_option_code": "A01"},
    ),
    *(
        student("229", {**OLD, "diploma_pathway": path, "career_option_code": "A01"}, {**OLD, "diploma_pathway": path})
        for path in ("C4", "NG")
    ),
    student("229", {"diploma_pathway": "L1", "career_option_code": "R01"}, {"diploma_pathway": "L1"}),
    student(
        "229",
        {"grade_placement_code": "09", "diploma_pathway": "ND", "career_option_code": "R01"},
        {"grade_placement_code": "09", "diploma_pathway": "ND"},
    ),
    student("229", {"career_option_code": "R01"}, {"career_option_code": ""}),
    student("350", {**OLD, "diploma_pathway": "CD", "career_option_code": "CDV"}, {**OLD, "diploma_pathway": "CD"}),
    student("350", {"career_option_code": "CDV"}, {}, BOTH, "229"),
    student(
        "214",
        {**GRADUATE, "grade_placement_code": "10"},
        {**GRADUATE, "grade_placement_code": "11"},
    ),
    student("215", {"graduation_date": "08312025"}, {**GRADUATE, "graduation_date": "09012025"}),
    student("218", {"met_gee_eoc_flag": "Z"}, {"met_gee_eoc_flag": "E"}),
    student("220", {POSITION: "0081", SIZE: "0080"}, {POSITION: "0080", SIZE: "0080"}),
    student("220", {POSITION: "0000", SIZE: "0080"}, {POSITION: "0001", SIZE: "0080"}),
    student("220", {POSITION: "0001"}, {SIZE: "0080"}),
    student("220", {POSITION: "0001", SIZE: "80"}, {POSITION: "0001", SIZE: "0001"}),
    student("220", {POSITION: "1", SIZE: "0080"}, {}),
    student("221", {"academic_endorsement_code": "A1"}, {**GRADUATE, "academic_endorsement_code": "A1"}),
    student("221", {"career_tech_endorsement_code": "J1"}, {**GRADUATE, "career_tech_endorsement_code": "J1"}),
    student(
        "221", {"community_service_endorsement": "C1"}, {**GRADUATE, "community_service_endorsement": "C1"}, PUBLIC
    ),
    student(
        "221",
        {"state_seal_of_biliteracy_endorsement": "D1"},
        {**GRADUATE, "state_seal_of_biliteracy_endorsement": "D6"},
        PUBLIC,
    ),
    student("221", {"academic_endorsement_code": "A5"}, {}),
    student("221", {"career_tech_endorsement_code": "J5"}, {}),
    student("221", {"community_service_endorsement": "C2"}, {}, PUBLIC),
    student("221", {"state_seal_of_biliteracy_endorsement": "D7"}, {}, PUBLIC),
    student("224", {"diploma_pathway": ""}, {"diploma_pathway": "NG"}),
    student("231", {**OLD}, {**OLD, "diploma_pathway": "C4"}),
    student("231", {**OLD, "diploma_pathway": "ZZ"}, {**OLD, "diploma_pathway": "CD"}),
    student(
        "231",
        {**OLD, "grade_placement_code": "09"},
        {**OLD, "grade_placement_code": "09", "diploma_pathway": "ND"},
    ),
    student("231", {**OLD, "diploma_pathway": "L1"}, {**OLD, "diploma_pathway": "NG"}),
    student("231", {"grade_9_entry_year": "2012"}, {"grade_9_entry_year": "2012", "diploma_pathway": "C4"}),
    student("232", {"diploma_pathway": "C4"}, {"diploma_pathway": "L1"}),
    student("232", {"grade_9_entry_year": "2014", "diploma_pathway": "CD"}, {"grade_9_entry_year": "2014"}),
    student(
        "232",
        {"grade_placement_code": "T9", "grade_9_entry_year": "", "diploma_pathway": "ZZ"},
        {"grade_placement_code": "T9", "grade_9_entry_year": "", "diploma_pathway": "C4"},
    ),
    student("233", {"diploma_pathway": "ND"}, {"diploma_pathway": "ND", "grade_placement_code": "09"}),
    student(
        "233",
        {"diploma_pathway": "ND", "grade_placement_code": "11"},
        {"diploma_pathway": "NG", "grade_placement_code": "11"},
    ),
    student(
        "233",
        {"diploma_pathway": "ND", "grade_placement_code": "10"},
        {"diploma_pathway": "NG", "grade_placement_code": "10"},
    ),
    *(
        student("234", {f"eoc_subject_area_{subject}": "A"}, {f"eoc_subject_area_{subject}": "P"}, PUBLIC)
        for subject in ("ela", "math", "social_studies")
    ),
    *(student("234", {"met_gee_eoc_flag": flag, "eoc_subject_area_ela": "Z"}, {}, PUBLIC) for flag in "YEAG"),
    student("234", {**GRADUATE, "eoc_subject_area_ela": "P"}, GRADUATE, PUBLIC),
    student(
        "234", {"met_gee_eoc_flag": "E", "eoc_subject_area_social_studies": "A"}, {"met_gee_eoc_flag": "E"}, PUBLIC
    ),
    student("234", {"met_gee_eoc_flag": "A"}, {"met_gee_eoc_flag": "A", "eoc_subject_area_math": "A"}, PUBLIC),
    student(
        "234",
        {"met_gee_eoc_flag": "A", "eoc_subject_area_ela": "G"},
        {"met_gee_eoc_flag": "A", "eoc_subject_area_ela": "P"},
        PUBLIC,
    ),
    student(
        "234",
        {"met_gee_eoc_flag": "G", "eoc_subject_area_ela": "A"},
        {"met_gee_eoc_flag": "G", "eoc_subject_area_science": "G"},
        PUBLIC,
    ),
    student("234", {"met_gee_eoc_flag": "G"}, {"met_gee_eoc_flag": "G", "eoc_subject_area_ela": "P"}, PUBLIC),
    student("234", {"eoc_subject_area_science": "A"}, {"eoc_subject_area_science": "P"}, PUBLIC),
    student("241", {"fafsa_application_flag": "5"}, {"fafsa_application_flag": "4"}, PUBLIC),
    student("V01", {**GRADUATE, "academic_endorsement_code": "A5"}, {**GRADUATE, "academic_endorsement_code": "A4"}),
    student(
        "V01", {**GRADUATE, "career_tech_endorsement_code": "J5"}, {**GRADUATE, "career_tech_endorsement_code": "B2"}
    ),
    student("V01", {**GRADUATE, "community_service_endorsement": "C2"}, GRADUATE, PUBLIC),
    student("V01", {**GRADUATE, "state_seal_of_biliteracy_endorsement": "D7"}, GRADUATE, PUBLIC),
    student("V01", {"parental_guardian_consent_flag": "X"}, {"parental_guardian_consent_flag": ""}),
    student("V01", {"eoc_subject_area_ela": "Z"}, {"eoc_subject_area_ela": "G"}, PUBLIC),
    student("V04", {"local_identification_number": ""}, {"local_identification_number": "1"}),
    student(
        "V05", {"local_identification_number": "666123456"}, {"local_identification_number": "666123457"}, NONPUBLIC
    ),
    student("V07", {"filler_1": "X"}, {}),
    student("V07", {"filler_2": "X"}, {}),
    student("V07", {"filler_3": "X"}, {}, PUBLIC),
    student("V07", {"filler_4": "X"}, {}, PUBLIC),
    course("301", {"course_beginning_school_session_year": "2026"}, {"course_beginning_school_session_year": "2025"}),
    course("301", {"course_beginning_school_session_year": ""}, {"course_beginning_school_session_year": "1999"}),
    course("302", {"course_code": "99A101"}, {"course_code": "000000"}),
    course("302", {"course_code": "99010"}, {}),
    course("303", {"course_part_number": "3"}, PART_2),
    course("304", {"semester_code": "S3"}, {"semester_code": "Z2"}),
    course("304", {"semester_code": ""}, {"semester_code": "C1"}),
    course("305", {"letter_grade_code": "X"}, TOP),
    course("305", {"letter_grade_code": ""}, {"letter_grade_code": "D"}),
    course("306", {"credit_attempted_count": "1.0"}, {}),
    course("306", {**FAILED, "credit_attempted_count": "000"}, FAILED),
    course("306", {**EXEMPT, "credit_attempted_count": "050"}, EXEMPT),
    course("310", {"credit_earned_count": ""}, {}),
    course("310", {**EXEMPT, "credit_attempted_count": "000", "credit_earned_count": "050"}, EXEMPT),
    course(
        "310", {"credit_earned_count": "150"}, {"credit_attempted_count": "150", "credit_earned_count": "150"}, "312"
    ),
    course("311", {**FAILED, "credit_earned_count": "100"}, FAILED),
    course("312", {"credit_earned_count": "050"}, {"credit_attempted_count": "050", "credit_earned_count": "050"}),
    course(
        "310",
        {**EXEMPT, "credit_attempted_count": "050", "credit_earned_count": "050"},
        EXEMPT,
        "306",
    ),
    *(
        course("312", {**grade, "credit_attempted_count": "000", "credit_earned_count": "000"}, grade, "306")
        for grade in (TOP, PASS, *({"letter_grade_code": letter} for letter in "BCD"))
    ),
    course("312", {**PASS, "credit_earned_count": "000"}, PASS),
    course("314", {"grade_point_maximum_count": "4.0"}, {"grade_point_maximum_count": "500"}),
    course("316", {"core_curriculum_waiver_flag": "X"}, {"core_curriculum_waiver_flag": ""}),
    course("316", {**EXEMPT, "core_curriculum_waiver_flag": ""}, EXEMPT),
    course("316", {**EXEMPT, "core_curriculum_waiver_flag": "N"}, EXEMPT),
    course("318", {"core_curriculum_waiver_flag": "Y"}, {"core_curriculum_waiver_flag": "N"}),
    course("319", {**OUTSIDE, "course_sponsor_code": "0 7"}, {**OUTSIDE, "course_sponsor_code": "103"}),
    course("320", {"course_sponsor_code": ""}, OUTSIDE),
    course("321", {"course_site_code": "01700"}, {"course_site_code": "017002"}),
    course("322", {"course_sponsor_code": "018"}, {"course_sponsor_code": "018", "course_site_code": "018001"}),
    course("327", {**PASS, "course_part_number": "1"}, PART_1),
    course("327", {**EXEMPT, "course_part_number": "2"}, EXEMPT),
    course("329", {"quality_points_awarded_count": "3.0"}, {}),
    course("330", {**PASS, "quality_points_awarded_count": "100"}, PASS),
    course("330", {**EXEMPT, "quality_points_awarded_count": "100"}, EXEMPT),
    course("330", {**FAILED, "quality_points_awarded_count": "100"}, FAILED),
    *(
        course(
            "331",
            {"letter_grade_code": letter, "quality_points_awarded_count": "000"},
            {"letter_grade_code": letter, "quality_points_awarded_count": "001"},
        )
        for letter in "BCD"
    ),
    course("331", {**TOP, "quality_points_awarded_count": "000"}, TOP, "332"),
    course("332", {"letter_grade_code": "A"}, TOP),
    course("332", {**TOP, "quality_points_awarded_count": "401"}, TOP),
    course("333", {"quality_points_awarded_count": "401"}, {"quality_points_awarded_count": "399"}),
    *(
        course(
            "333",
            {"letter_grade_code": letter, "quality_points_awarded_count": "400"},
            {"letter_grade_code": letter, "quality_points_awarded_count": "399"},
        )
        for letter in "BCD"
    ),
    course("334", {"course_type_code": "ZZ"}, {"course_type_code": "IB"}),
    course(
        "334",
        {"course_type_code": "", "course_beginning_school_session_year": "2003"},
        {"course_type_code": "", "course_beginning_school_session_year": "2002"},
    ),
    course(
        "334",
        {"course_type_code": "", "course_beginning_school_session_year": "2004"},
        {"course_type_code": "", "course_beginning_school_session_year": "2001"},
    ),
    course("335", {"distance_learning_course_type_code": "06"}, {"distance_learning_course_type_code": "05"}),
    course("339", {**COLLEGE, HOURS: ""}, COLLEGE),
    course("339", {**COLLEGE, "course_type_code": "DI", HOURS: "0000"}, {**COLLEGE, "course_type_code": "DI"}),
    *(course("339", {**COLLEGE, **grade, HOURS: "0000"}, {**COLLEGE, **grade}) for grade in (TOP, PASS)),
    *(course("339", {**COLLEGE, "letter_grade_code": letter, HOURS: ""}, COLLEGE) for letter in "CD"),
    course("339", {**COLLEGE, HOURS: ""}, {**COLLEGE, **FAILED, HOURS: ""}),
    course("340", {**UNTYPED, HOURS: "0300"}, UNTYPED),
    course("340", {HOURS: "0300"}, {HOURS: "0000"}),
    course("341", {HOURS: "3.00"}, {}),
    course("341", {**COLLEGE, HOURS: "300"}, {**COLLEGE, HOURS: "0050"}),
    course("342", {**UNTYPED, SECONDARY: "017001"}, UNTYPED),
    course("342", {SECONDARY: "017001"}, {}),
    course("342", {**COLLEGE, SECONDARY: ""}, {**COLLEGE, "course_type_code": "DA"}),
    course("342", {**COLLEGE, SECONDARY: "0170"}, COLLEGE),
    course("Q4", {"course_part_number": "1"}, PART_1),
    course("Q4", {**PART_2, "credit_attempted_count": "025", "credit_earned_count": "025"}, PART_2),
    course("V06", {**OUTSIDE, "course_site_name": ""}, OUTSIDE),
    course("V07", {"filler_1": "X"}, {}),
    Case("V07", "030", {"filler_2": "X"}, {}, NONPUBLIC),
    credential("510", {"ibc_code": ""}, {"ibc_code": "1"}),
    credential("511", {"semester_ibc_earned": "4"}, {"semester_ibc_earned": "3"}),
    credential("511", {"semester_ibc_earned": ""}, {"semester_ibc_earned": "1"}),
    credential("512", {"year_ibc_earned": "2026"}, {"year_ibc_earned": "2024"}),
    credential("512", {"year_ibc_earned": "25"}, {}),
    credential("513", {"pass_fail": "X"}, {"pass_fail": "F"}),
    credential("513", {"pass_fail": ""}, {}),
    credential("514", {"ibc_earned_sponsor_code": "01"}, {"ibc_earned_sponsor_code": "W99"}),
    credential("514", {"ibc_earned_sponsor_code": ""}, {}),
    credential("515", {"ibc_earned_site_code": "0170 1"}, {"ibc_earned_site_code": "018001"}),
)

DE: Changes = {**COLLEGE, "course_sponsor_code": "400", "course_site_code": "400001"}
CONCENTRATION: Changes = {**OLD, "diploma_pathway": "C5", "career_option_code": "A01"}
LOSFA_HOLDS: Changes = {"state_identification_number": "7712345679"}


def told(
    table: str, code: str, record: str, bad: Changes, good: Changes, *beside: str, sectors: tuple[Variant, ...] = BOTH
) -> Case:
    """A case that one reference table decides."""
    return Case(code, record, bad, good, sectors, beside, (table,))


TABLE_CASES: tuple[Case, ...] = (
    told("identities", "U03", "020", {"partial_first_name": "W"}, {"partial_first_name": "v"}, sectors=PUBLIC),
    told("identities", "U04", "020", {"partial_last_name": "ZYK"}, {"partial_last_name": "zyl"}, sectors=PUBLIC),
    told("identities", "U06", "020", {"day_of_birth": "10"}, {"day_of_birth": "09"}, sectors=PUBLIC),
    told("identities", "U06", "020", {"day_of_birth": "32"}, {}, "205", sectors=PUBLIC),
    *(
        told("identities", "U07", "020", {flag: "Y"}, {flag: "N"}, sectors=PUBLIC)
        for flag in RACES
        if "asian" not in flag
    ),
    told("identities", "U08", "020", {"sex_code": "M"}, {"sex_code": "F"}, sectors=PUBLIC),
    told("sites", "201", "020", {"site_code": "017099"}, {"site_code": "017002"}),
    told("sites", "201", "020", {"site_code": "017003"}, {"site_code": "017002"}),
    told("sites", "201", "020", {"site_code": "017004"}, {"site_code": "017005"}),
    told("profile", "213", "020", {"site_code": "017002"}, {"site_code": "017001"}),
    told("career_options", "212", "020", {**CA, "career_option_code": "R02"}, {**CA, "career_option_code": "S99"}),
    *(told("career_options", "212", "020", {**OLD, "diploma_pathway": path}, CONCENTRATION) for path in ("C5", "C6")),
    told("career_options", "212", "020", {"diploma_pathway": "CA"}, CA),
    told("career_options", "229", "020", {**CA, "career_option_code": "A01"}, CA),
    told("career_options", "229", "020", {**CONCENTRATION, "career_option_code": "S99"}, CONCENTRATION),
    told(
        "career_options",
        "229",
        "020",
        {**CONCENTRATION, "diploma_pathway": "C6", "career_option_code": "R01"},
        {**CONCENTRATION, "diploma_pathway": "C6"},
    ),
    told(
        "career_options",
        "229",
        "020",
        {**OLD, "diploma_pathway": "CD", "career_option_code": "A01"},
        {**OLD, "diploma_pathway": "CD"},
    ),
    *(
        told("career_options", "229", "020", {**since, "career_option_code": "A01"}, since)
        for since in (
            {**OLD, "diploma_pathway": "C4"},
            {"diploma_pathway": "TU"},
            {"diploma_pathway": "L1"},
            {"diploma_pathway": "ND", "grade_placement_code": "09"},
            {"diploma_pathway": "NG"},
        )
    ),
    told("fafsa", "241", "020", {"fafsa_application_flag": "2"}, {"fafsa_application_flag": "7"}, sectors=PUBLIC),
    told("fafsa", "241", "020", {"fafsa_application_flag": "2"}, {"fafsa_application_flag": ""}, sectors=PUBLIC),
    told("losfa_fafsa", "242", "020", GRADUATE, {**GRADUATE, "fafsa_application_flag": "4"}, sectors=PUBLIC),
    told("losfa_fafsa", "242", "020", GRADUATE, {}, sectors=PUBLIC),
    told("courses", "302", "030", {"course_code": "990199"}, {"course_code": "990102"}),
    told(
        "courses",
        "302",
        "030",
        {"course_beginning_school_session_year": "2024"},
        {"course_beginning_school_session_year": "2024", "course_code": "990102"},
    ),
    told("courses", "302", "030", {"course_beginning_school_session_year": "2023"}, {}),
    told("courses", "301", "030", {"course_beginning_school_session_year": "2026"}, {}),
    told("courses", "301", "030", {"course_beginning_school_session_year": ""}, {}),
    told(
        "courses",
        "328",
        "030",
        {"course_code": "990130"},
        {"course_code": "990130", "transcript_course_name": "Fables"},
    ),
    told(
        "courses",
        "334",
        "030",
        {"course_type_code": "AP"},
        {"course_type_code": "AP", "course_code": "160321"},
    ),
    told(
        "courses",
        "334",
        "030",
        {"course_type_code": "AP", "course_beginning_school_session_year": "2005"},
        {"course_type_code": "AP", "course_beginning_school_session_year": "2004"},
    ),
    told(
        "sponsors", "319", "030", {**OUTSIDE, "course_sponsor_code": "999"}, {**OUTSIDE, "course_sponsor_code": "103"}
    ),
    told(
        "sponsors",
        "319",
        "030",
        {**DE, "course_sponsor_code": "018", "course_site_code": "018001"},
        {**DE, "course_type_code": "DA", "course_sponsor_code": "018", "course_site_code": "018001"},
    ),
    told("sponsors", "319", "030", COLLEGE, DE),
    told("sites", "321", "030", {"course_site_code": "017099"}, {"course_site_code": "017003"}),
    told("sites", "321", "030", COLLEGE, DE),
    told("sites", "321", "030", COLLEGE, {**COLLEGE, "course_type_code": "DI"}),
    told("sites", "342", "030", {**DE, SECONDARY: "017099"}, DE),
    told("sites", "342", "030", {**DE, SECONDARY: "017005"}, {**DE, SECONDARY: "017003"}),
    *(
        told(
            "sites",
            "342",
            "030",
            {**COLLEGE, "course_type_code": kind, SECONDARY: "400001"},
            {**COLLEGE, "course_type_code": kind},
        )
        for kind in ("DA", "DI")
    ),
    told("credentials", "510", "050", {"ibc_code": "902"}, {"ibc_code": "7"}),
    # What has not the shape of a code is said once, and not again by the table.
    told("sites", "201", "020", {"site_code": "017 01"}, {"site_code": "017006"}),
    told("profile", "201", "020", {"site_code": "017 01"}, {}),
    told("courses", "302", "030", {"course_code": "99010"}, {}),
    told("sponsors", "319", "030", {**OUTSIDE, "course_sponsor_code": "0 7"}, OUTSIDE),
    told("sites", "321", "030", {"course_site_code": "01700"}, OUTSIDE),
    told("sites", "342", "030", {**DE, SECONDARY: "0170"}, DE),
    told("sites", "342", "030", {**DE, SECONDARY: ""}, DE),
    told("sites", "342", "030", {SECONDARY: "017099"}, {}),
    told("credentials", "510", "050", {"ibc_code": ""}, {}),
    told("sponsors", "514", "050", {"ibc_earned_sponsor_code": ""}, {}),
    told("sites", "515", "050", {"ibc_earned_site_code": ""}, {}),
    told("career_options", "350", "020", {**OLD, "diploma_pathway": "CD", "career_option_code": "CDV"}, {}),
    told("credentials", "510", "050", {"ibc_code": " 7"}, {"ibc_code": "7  "}),
    told("sponsors", "514", "050", {"ibc_earned_sponsor_code": "999"}, {"ibc_earned_sponsor_code": "018"}),
    told("sites", "515", "050", {"ibc_earned_site_code": "017099"}, {"ibc_earned_site_code": "017003"}),
)
ALL_CASES = (*CASES, *TABLE_CASES)
