"""A transcript as the texts of its document: everything that the template shows is spelled here, nothing there.

Independent of locale and time zone: months are named here and times are UTC.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from events.transcript_content import (
    Course,
    Credential,
    Endorsement,
    OfficialTranscript,
    SchoolYear,
    Student,
    Transcript,
    content_digest,
)

Face = Mapping[str, object]

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
STATEMENT = "This is the official transcript of the student named above, as {} on {}."
ACTS = {"certified": "certified by the school district", "submitted": "submitted by the school"}
GRADES = (("P", "passed"), ("E", "exempt"))


def face(official: OfficialTranscript, qr: str) -> Face:
    """Return the template's data: texts, and lists of texts. `qr` is the code as SVG."""
    transcript, digest = official.transcript, content_digest(official.transcript)
    return {
        "state": transcript.school.state,
        "department": transcript.school.department,
        "title": title(official),
        "mark": official.mark,
        "name": transcript.student.name,
        "short-name": shortened(transcript.student.name),
        "diploma": diploma_line(transcript),
        "places": [each for each in places(transcript) if each[1]],
        "facts": [each for each in facts(transcript) if each[1]],
        "years": [year_face(year) for year in transcript.years],
        "attempted": units(transcript.attempted),
        "earned": units(transcript.earned),
        "key": key(transcript.years),
        "credentials": [credential_face(each) for each in transcript.credentials],
        "endorsements": [endorsement_face(each) for each in transcript.endorsements],
        "statement": STATEMENT.format(ACTS[official.act], long_date(utc(official.time)[:10])),
        "marks": marks(official),
        "running": running(official, digest),
        "digest": grouped(digest),
        "qr": qr,
        "qr-alt": f"Code that holds the text {checkable(official)}",
    }


def checkable(official: OfficialTranscript) -> str:
    """Return the text that the code on the document carries: which version of which transcript, and its digest."""
    transcript = official.transcript
    version = f"{transcript.student.transcript_id}/v{official.version}"
    return f"ledger:{official.ledger}/{version}?sha256={content_digest(transcript)}"


def title(official: OfficialTranscript) -> str:
    """Return the document's title: whose it is, and which version."""
    return f"Official Transcript {official.mark}".rstrip() + f": {official.transcript.student.name}"


def shortened(name: str) -> str:
    """Return a name that fits the head of a page."""
    return name if len(name) <= 70 else f"{name[:69]}…"


def diploma_line(transcript: Transcript) -> str:
    """Return what the student left school with, and when."""
    diploma = transcript.diploma
    graduated = f"Graduated {long_date(diploma.graduation_date)}" if diploma.graduation_date else "Not graduated"
    return " · ".join(each for each in (diploma.name, graduated) if each)


def places(transcript: Transcript) -> list[tuple[str, str]]:
    """Return the long lines of the student block: label and text; an empty text is not shown."""
    school, diploma = transcript.school, transcript.diploma
    return [
        ("School", coded(school.site, school.site_code)),
        ("School district", coded(school.sponsor, school.sponsor_code)),
        ("Career option", coded(diploma.career_option, diploma.career_option_code)),
    ]


def facts(transcript: Transcript) -> list[tuple[str, str]]:
    """Return the short lines of the student block."""
    student, local = transcript.student, transcript.local
    return [
        ("Date of birth", born(student)),
        ("State student ID", student.state_id),
        ("Local student ID", student.local_id),
        ("Transcript ID", student.transcript_id),
        ("School year", span(transcript.bssy)),
        ("Graduation assessments", transcript.diploma.assessments),
        ("GPA, as the school supplied it", local.gpa),
        ("Class rank, as supplied", f"{local.rank} of {local.class_size}" if local.rank else ""),
    ]


def born(student: Student) -> str:
    if student.birth_date:
        return long_date(student.birth_date)
    return f"Day {student.birth_day}; month and year unknown" if student.birth_day else ""


def year_face(year: SchoolYear) -> Face:
    return {
        "year": span(year.bssy),
        "attempted": units(year.attempted),
        "earned": units(year.earned),
        "courses": [course_face(course) for course in year.courses],
    }


def course_face(course: Course) -> Sequence[object]:
    """Return the cells of a course's row; the second is the name and what is said behind it."""
    name = f"{course.name}, part {course.part}" if course.part else course.name
    said = ", ".join(notes(course))
    return (
        course.code,
        [f"{name}, ", said] if said else [name],
        course.type_code,
        course.term,
        course.grade,
        units(course.attempted),
        units(course.earned),
        units(course.points),
    )


def notes(course: Course) -> list[str]:
    """Return what is said behind a course's name."""
    waived = ["core requirement waived"] if course.waived else []
    return [*waived, f"taken at {course.school}"] if course.school else waived


def key(years: Sequence[SchoolYear]) -> str:
    """Return the explanation of the marks that occur."""
    courses = [course for year in years for course in year.courses]
    types = sorted({(course.type_code, course.type) for course in courses if course.type_code})
    grades = [each for each in GRADES if any(course.grade == each[0] for course in courses)]
    marked = "; ".join(f"{mark}: {meaning}" for mark, meaning in [*types, *grades])
    return "Credits are Carnegie units; points are quality points." + (f" {marked}." if marked else "")


def credential_face(credential: Credential) -> Sequence[str]:
    when = " ".join(each for each in (credential.term, span(credential.bssy)) if each)
    return coded(credential.name, credential.code), when, "Passed" if credential.passed else "Not passed"


def endorsement_face(endorsement: Endorsement) -> Sequence[str]:
    return endorsement.title, endorsement.detail


def marks(official: OfficialTranscript) -> list[tuple[str, str]]:
    """Return what says which version this is and where the ledger keeps it."""
    version = f"{official.mark}, replaces the one before it" if official.mark else "First"
    return [
        ("Version", version),
        ("Ledger position", position(official)),
        ("Recorded", f"{utc(official.time)} UTC"),
    ]


def running(official: OfficialTranscript, digest: str) -> str:
    """Return the line at the foot of each page, by which a page that was lost finds its document again."""
    which = f"Transcript {official.transcript.student.transcript_id} {official.mark}".rstrip()
    return f"{which}, ledger position {position(official)}, content {digest[:8]}…"


def position(official: OfficialTranscript) -> str:
    """Return the position as it is printed everywhere: with the ledger's short id."""
    return f"{official.ledger}:{official.position}"


def coded(name: str, code: str) -> str:
    """Return a name with its code, or the one that is known."""
    return f"{name} ({code})" if name and code else name or code


def units(hundredths: int) -> str:
    """Return hundredths as a decimal: 50 is 0.50."""
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def span(bssy: str) -> str:
    """Return a school year by both its calendar years, an en dash between them."""
    return f"{bssy}\N{EN DASH}{int(bssy) + 1}" if bssy else ""


def utc(time: datetime) -> str:
    """Return a time as 2026-05-22 17:05:09, in UTC."""
    return time.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat(" ")


def long_date(iso: str) -> str:
    """Return YYYY-MM-DD as May 14, 2026."""
    year, month, of_month = iso.split("-")
    return f"{MONTHS[int(month) - 1]} {int(of_month)}, {year}"


def grouped(digest: str) -> list[str]:
    """Return a digest in groups of eight, to be compared by eye."""
    return [digest[start : start + 8] for start in range(0, len(digest), 8)]
