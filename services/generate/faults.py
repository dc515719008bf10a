"""One fault for one student: which fields of which record are overwritten, and what a check must then say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from schemas.layout import Variant
from services.generate.people import Person

Fields = dict[str, str]
Suits = Callable[[Person], bool]


@dataclass(frozen=True, slots=True)
class Fault:
    """`changes` to the student's first record of type `record`; raises `codes`, each on that line and nothing else."""

    codes: tuple[str, ...]
    record: str
    changes: Mapping[str, str] = field(default_factory=dict)
    sectors: tuple[Variant, ...] = ("public", "nonpublic")
    suits: Suits = lambda _: True


@dataclass(frozen=True, slots=True)
class Structure:
    """A fault of the set as a whole: `kind` says what is done to the student's lines."""

    code: str
    kind: str
    record: str


def is_ninth_or_later(person: Person) -> bool:
    return person.entry_year is not None


def is_senior_without_date(person: Person) -> bool:
    return person.grade == "12" and person.graduation is None


def is_university(person: Person) -> bool:
    return person.pathway == "TU" and person.graduation is None


def has_no_date(person: Person) -> bool:
    return person.graduation is None


def is_t9(person: Person) -> bool:
    return person.grade == "T9"


def is_tenth(person: Person) -> bool:
    return person.grade == "10"


PUBLIC: tuple[Variant, ...] = ("public",)
NONPUBLIC: tuple[Variant, ...] = ("nonpublic",)


def field_faults(bssy: int, sponsor: str) -> tuple[Fault, ...]:
    """Every fault of one field or record, for a file of this year and sponsor."""
    other = "018" if sponsor != "018" else "019"
    return (
        Fault(("201",), "020", {"site_code": f"{sponsor} 01"}),
        Fault(("202",), "020", {"site_code": f"{other}001"}),
        Fault(("203",), "020", {"partial_first_name": "7"}, PUBLIC),
        Fault(("203",), "020", {"first_name": ""}, NONPUBLIC),
        Fault(("204",), "020", {"partial_last_name": "1AB"}, PUBLIC),
        Fault(("204",), "020", {"last_name": ""}, NONPUBLIC),
        Fault(("205", "U06"), "020", {"day_of_birth": "32"}, PUBLIC),
        Fault(("205",), "020", {"birth_date": "02302009"}, NONPUBLIC),
        Fault(("206",), "020", {"asian_race_flag": "X"}),
        Fault(("207",), "020", {"sex_code": "X"}),
        Fault(("208",), "020", {"grade_placement_code": "13"}, suits=has_no_date),
        Fault(("209",), "020", {"grade_9_entry_year": str(bssy + 1)}, suits=is_ninth_or_later),
        Fault(("210",), "020", {"graduation_date": f"0230{bssy + 1}"}, suits=is_senior_without_date),
        Fault(("212",), "020", {"career_option_code": "Z99"}),
        Fault(("214",), "020", {"graduation_date": f"1001{bssy}"}, suits=is_tenth),
        Fault(("215",), "020", {"graduation_date": f"0515{bssy}"}, suits=is_senior_without_date),
        Fault(("218",), "020", {"met_gee_eoc_flag": "Z"}),
        Fault(("220",), "020", {"local_rank_in_class_position": "0120", "local_rank_in_class_size": "0080"}),
        Fault(("221",), "020", {"academic_endorsement_code": "A1"}, suits=has_no_date),
        Fault(("224",), "020", {"diploma_pathway": ""}),
        Fault(("226",), "020", {"grade_9_entry_year": str(bssy)}, suits=is_t9),
        Fault(("229",), "020", {"career_option_code": "R01"}, suits=is_university),
        Fault(("231",), "020", {"grade_9_entry_year": "2012"}, suits=is_university),
        Fault(("232",), "020", {"diploma_pathway": "C4"}, suits=is_university),
        Fault(("233",), "020", {"diploma_pathway": "ND", "career_option_code": ""}, suits=is_senior_without_date),
        Fault(("234",), "020", {"met_gee_eoc_flag": "Y", "eoc_subject_area_ela": "P"}, PUBLIC),
        Fault(("241",), "020", {"fafsa_application_flag": "9"}, PUBLIC),
        Fault(
            ("350",),
            "020",
            {"diploma_pathway": "CD", "career_option_code": "CDV", "grade_9_entry_year": "2013"},
            suits=is_senior_without_date,
        ),
        Fault(("301",), "030", {"course_beginning_school_session_year": str(bssy + 1)}),
        Fault(("302",), "030", {"course_code": "99A010"}),
        Fault(("303",), "030", {"course_part_number": "3"}),
        Fault(("304",), "030", {"semester_code": "Q9"}),
        Fault(("305",), "030", {"letter_grade_code": "X"}),
        Fault(("306",), "030", {"credit_attempted_count": "1.0"}),
        Fault(("310",), "030", {"credit_earned_count": "1.0"}),
        Fault(("311",), "030", {"letter_grade_code": "F", "quality_points_awarded_count": "000"}),
        Fault(("312",), "030", {"credit_earned_count": "050"}),
        Fault(("314",), "030", {"grade_point_maximum_count": "4.0"}),
        Fault(("316",), "030", {"core_curriculum_waiver_flag": "X"}),
        Fault(("318",), "030", {"core_curriculum_waiver_flag": "Y"}),
        Fault(("319",), "030", {"course_sponsor_code": "0 7", "course_site_code": "", "course_site_name": "Elsewhere"}),
        Fault(("320",), "030", {"course_sponsor_code": ""}),
        Fault(("321",), "030", {"course_site_code": f"{sponsor}01"}),
        Fault(("322",), "030", {"course_sponsor_code": other}),
        Fault(
            ("327",),
            "030",
            {"letter_grade_code": "P", "course_part_number": "1", "quality_points_awarded_count": "000"},
        ),
        Fault(("329",), "030", {"quality_points_awarded_count": "3.0"}),
        Fault(("330",), "030", {"letter_grade_code": "P"}),
        Fault(("331",), "030", {"quality_points_awarded_count": "000"}),
        Fault(("332",), "030", {"letter_grade_code": "A"}),
        Fault(("333",), "030", {"quality_points_awarded_count": "400"}),
        Fault(("334",), "030", {"course_type_code": "ZZ"}),
        Fault(("335",), "030", {"distance_learning_course_type_code": "09"}),
        Fault(("339",), "030", {"course_type_code": "DE", "dual_enrollment_secondary_site": f"{sponsor}001"}),
        Fault(("340",), "030", {"dual_enrollment_postsecondary_credit_hours_earned": "0300"}),
        Fault(("341",), "030", {"dual_enrollment_postsecondary_credit_hours_earned": "3.00"}),
        Fault(("342",), "030", {"dual_enrollment_secondary_site": f"{sponsor}001"}),
        Fault(("510",), "050", {"ibc_code": ""}),
        Fault(("511",), "050", {"semester_ibc_earned": "4"}),
        Fault(("512",), "050", {"year_ibc_earned": str(bssy + 1)}),
        Fault(("513",), "050", {"pass_fail": "X"}),
        Fault(("514",), "050", {"ibc_earned_sponsor_code": "0 7"}),
        Fault(("515",), "050", {"ibc_earned_site_code": f"{sponsor}01"}),
    )


STRUCTURES = (
    Structure("211", "repeat", "020"),
    Structure("326", "repeat", "030"),
    Structure("513", "repeat", "050"),
    Structure("300", "drop", "030"),
    Structure("200", "drop", "020"),
    Structure("500", "lengthen", "050"),
    Structure("L03", "cut", "030"),
)


def has_fafsa_flag(person: Person) -> bool:
    return person.graduation is not None and person.number % 5 != 0


def is_girl(person: Person) -> bool:
    return person.sex == "F"


def has_one_race(person: Person) -> bool:
    return person.races == ("white_race_flag",)


def table_faults(sponsor: str) -> tuple[Fault, ...]:
    """Every fault of one record that a reference table tells, for a file made from the demonstration set."""
    dual = {
        "course_type_code": "DE",
        "dual_enrollment_postsecondary_credit_hours_earned": "0300",
        "dual_enrollment_secondary_site": f"{sponsor}001",
    }
    college = {"course_sponsor_code": "4D1", "course_site_code": "4D1001"}
    return (
        Fault(("U03",), "020", {"partial_first_name": "J"}, PUBLIC),
        Fault(("U04",), "020", {"partial_last_name": "JJJ"}, PUBLIC),
        Fault(("U07",), "020", {"asian_race_flag": "Y"}, PUBLIC, suits=has_one_race),
        Fault(("U08",), "020", {"sex_code": "M"}, PUBLIC, suits=is_girl),
        Fault(("201",), "020", {"site_code": f"{sponsor}999"}),
        Fault(("201",), "020", {"site_code": f"{sponsor}021"}),
        Fault(("242",), "020", {"fafsa_application_flag": ""}, PUBLIC, suits=has_fafsa_flag),
        Fault(("349",), "020", {"diploma_pathway": "L1"}, PUBLIC, suits=is_university),
        Fault(("302",), "030", {"course_code": "998999"}),
        Fault(("319",), "030", {"course_sponsor_code": "0ZZ", "course_site_code": "", "course_site_name": "Elsewhere"}),
        Fault(("319", "321"), "030", dual),
        Fault(("321",), "030", {"course_site_code": f"{sponsor}999"}),
        Fault(("328",), "030", {"course_code": "990803", "transcript_course_name": ""}),
        Fault(("334",), "030", {"course_type_code": "AP"}),
        Fault(("342",), "030", {**dual, **college, "dual_enrollment_secondary_site": f"{sponsor}031"}),
        Fault(("339",), "030", {**dual, **college, "dual_enrollment_postsecondary_credit_hours_earned": ""}),
        Fault(("510",), "050", {"ibc_code": "ZZ9"}),
        Fault(("514",), "050", {"ibc_earned_sponsor_code": "0ZZ"}),
        Fault(("515",), "050", {"ibc_earned_site_code": f"{sponsor}999"}),
    )


BESIDE = {"203": "U03", "204": "U04", "206": "U07", "207": "U08", "210": "242", "214": "242", "215": "242"}
"""What a table raises on a public student beside a fault of the file itself."""

TABLE_STRUCTURES = (Structure("U01", "renumber", "020"), Structure("U02", "renumber", "020"))
