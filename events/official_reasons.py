"""Why an official transcript is rejected, and what to do about each reason (R-180, R-183)."""

from collections.abc import Sequence
from dataclasses import dataclass

from events.identity import IdentityState, StudentIdentified
from events.student import Absent, StudentState, record_set
from schemas.louisiana_sts.graduation import (
    MET_FLAGS,
    academic_year,
    credits_earned,
    credits_required,
    graduation_day,
)
from schemas.louisiana_sts.records import Fields


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason of rejection: its stored code, what it says, and how it is repaired."""

    code: str
    message: str
    repair: str


REASONS = {
    reason.code: reason
    for reason in (
        Reason(
            "site-not-certified",
            "The site's certification was withdrawn.",
            "Certify the site again: `ledger certify SITE`.",
        ),
        Reason(
            "record-gone",
            "The student's set is no longer held.",
            "Upload the student again, then certify the site again.",
        ),
        Reason(
            "identity-missing",
            "The legal name or the birth date is not known.",
            "Complete the student in eScholar, load the extract (`ledger identities load`), certify the site again.",
        ),
        Reason(
            "graduation-date-missing",
            "The record has no graduation date.",
            "Enter the date once every requirement is met, then certify the site again.",
        ),
        Reason(
            "graduation-date-outside-year",
            "The graduation date lies outside September 1 to August 31 of the school year.",
            "Correct the date, or submit the student in the year of graduation; then certify the site again.",
        ),
        Reason(
            "gee-eoc-not-met",
            "The GEE/EOC flag is missing or does not show the requirement met.",
            "Send Y, A, G or E once the assessments are met, then certify the site again.",
        ),
        Reason(
            "too-few-credits",
            "Fewer credits are earned than the diploma pathway takes, each repeated course counted once.",
            "Check courses, repeats and part numbers against the pathway, then certify the site again.",
        ),
        Reason(
            "not-printable",
            "A name holds a character that cannot be printed.",
            "Send names and course names in Latin letters, then certify the site again. A name from a reference table: "
            "publish it corrected (`ledger reference load`), withdraw the certification (`ledger uncertify`), certify "
            "the site again.",
        ),
    )
}


def explain(code: str) -> Reason:
    """Return a stored code's reason; an outside system's own code is explained by nobody here."""
    return REASONS.get(code) or Reason(
        code, "An outside system's reason.", "Ask that system's operators, correct what they name, certify again."
    )


def reasons_against(state: StudentState, identity: IdentityState, *, sector: str, bssy: str) -> tuple[str, ...]:
    """Return every reason why this set of this person makes no official transcript, as codes, in one fixed order."""
    if isinstance(state, Absent):
        return ("record-gone",)
    student = state.student
    day = graduation_day(student)
    first, last = academic_year(bssy)
    met = sector != "public" or student.get("met_gee_eoc_flag", "") in MET_FLAGS
    found = {
        "identity-missing": not is_known(identity),
        "graduation-date-missing": day is None,
        "graduation-date-outside-year": day is not None and not first <= day <= last,
        "gee-eoc-not-met": not met,
        "too-few-credits": lacks_credits(student, record_set(state).courses),
    }
    return tuple(code for code, applies in found.items() if applies)


def is_known(identity: IdentityState) -> bool:
    """Whether a document can say whose it is: a legal name and a birth date."""
    return isinstance(identity, StudentIdentified) and bool(
        identity.first_name and identity.last_name and identity.birth_date
    )


def lacks_credits(student: Fields, courses: Sequence[Fields]) -> bool:
    """Whether fewer credits are earned than the pathway takes."""
    pathway = student.get("diploma_pathway", "")
    return credits_earned(courses, pathway) < credits_required(pathway)
