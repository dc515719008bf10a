"""For each of the 81 codes and each layout it applies to: the smallest file that raises it, the nearest that does not.

Most are cases of `rule_cases`; here stand those that are told by the state id, by several lines, or by the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from schemas.layout import Variant
from schemas.reference import NO_TABLES, ReferenceTables
from tests.unit.schemas.builder import GRADUATE, STATE_IDS, VARIANTS, base_file, line, lines
from tests.unit.schemas.rule_cases import ALL_CASES, Changes
from tests.unit.schemas.tables import given

STRANGER = {"public": "7712345679", "nonpublic": "666123457"}
SHORT_ID = {"public": "771234567", "nonpublic": "66612345"}
ID = "state_identification_number"


@dataclass(frozen=True)
class Pair:
    code: str
    variant: Variant
    raises: bytes
    clean: bytes
    tables: ReferenceTables = NO_TABLES


def pairs() -> Iterator[Pair]:
    """Every pair; a code that is decided in several ways has several."""
    for case in ALL_CASES:
        for variant in case.sectors:
            bad, good = (base_file(variant, case.record, changes) for changes in (case.bad, case.good))
            yield Pair(case.code, variant, bad, good, given(*case.given))
    for variant in VARIANTS:
        yield from of_several_lines(variant)
        yield from of_the_file(variant)
        yield from of_graduates(variant)
    yield from of_the_state_id()


def renamed(variant: Variant, state_id: str, student: Changes | None = None) -> bytes:
    """The base set of another student."""
    changes = {ID: state_id}
    rows = (line(code, variant, {**changes, **((student or {}) if code == "020" else {})}) for code in ("020", "030"))
    return lines(*rows)


def of_several_lines(variant: Variant) -> Iterator[Pair]:
    student, course, credential = (line(code, variant) for code in ("020", "030", "050"))
    base = lines(student, course)
    yield Pair("200", variant, lines(course), base)
    yield Pair("300", variant, lines(student), base)
    yield Pair("211", variant, lines(student, student, course), base)
    yield Pair("326", variant, lines(student, course, course), base)
    failed = line("050", variant, {"pass_fail": "F"})
    yield Pair("513", variant, lines(credential, credential), lines(credential, failed))
    yield Pair("500", variant, lines(credential + b" "), lines(credential))
    yield Pair("500", variant, lines(credential[:-1]), lines(credential))


def of_the_file(variant: Variant) -> Iterator[Pair]:
    base = base_file(variant)
    yield Pair("503", variant, base_file(variant, "050", {"beginning_school_session_year": "2024"}), base)
    yield Pair("504", variant, base_file(variant, "050", {"sponsor_code": "018"}), base)
    credential = lines(line("050", variant))
    unknown = lines(line("050", variant, {"sponsor_code": "999"}))
    yield Pair("504", variant, unknown, credential, given("sponsors"))
    not_ours = lines(line("050", variant, {"sponsor_code": "400"}))
    yield Pair("504", variant, not_ours, credential, given("sponsors", "profile"))


def of_graduates(variant: Variant) -> Iterator[Pair]:
    changes = {**GRADUATE, "grade_placement_code": "10"}
    yield Pair("230", variant, base_file(variant, "020", changes), base_file(variant, "020", GRADUATE))
    courses = [line("030", variant, {"course_code": f"9901{number:02d}"}) for number in range(1, 25)]
    fafsa = {"fafsa_application_flag": "1"} if variant == "public" else {}
    student = line("020", variant, {**GRADUATE, **fafsa})
    half = line(
        "030", variant, {"course_code": "990123", "credit_attempted_count": "050", "credit_earned_count": "050"}
    )
    yield Pair("223", variant, lines(student, *courses[:22], half), lines(student, *courses))


def of_the_state_id() -> Iterator[Pair]:
    whole, other, short = STATE_IDS["public"], STRANGER["public"], SHORT_ID["public"]
    yield Pair("U01", "public", renamed("public", short), renamed("public", whole))
    yield Pair("U02", "public", renamed("public", other), renamed("public", whole), given("identities"))
    life = {"diploma_pathway": "L1"}
    ser = given("special_education")
    yield Pair("349", "public", renamed("public", other, life), renamed("public", whole, life), ser)
    unmarked = renamed("public", "7712345670", life)
    yield Pair("349", "public", unmarked, renamed("public", whole, life), ser)
    yield Pair("U01", "public", renamed("public", short), renamed("public", whole), given("identities"))
    yield Pair("349", "public", unmarked, renamed("public", "7712345670"), ser)
    missing, held = (lines(line("050", "public", {ID: one})) for one in (short, whole))
    yield Pair("507", "public", missing, held, given("identities"))
    for variant in VARIANTS:
        bad, good = (lines(line("050", variant, {ID: one})) for one in (SHORT_ID[variant], STATE_IDS[variant]))
        yield Pair("507", variant, bad, good)
    stranger, known = (lines(line("050", "public", {ID: one})) for one in (other, whole))
    yield Pair("507", "public", stranger, known, given("identities"))
    graduate = base_file("public", "020", GRADUATE)
    yield Pair("242", "public", graduate, graduate.replace(whole.encode(), other.encode()), given("losfa_fafsa"))
