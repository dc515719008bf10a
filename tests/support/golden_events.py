"""One example of every event version ever stored, and the golden files made of them.

`python -m tests.support.golden_events` writes the files that are missing and adds them to the manifest. It never
touches one that is there: stored bytes are read for ever, so golden files are only ever added.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch
from uuid import UUID

from events.catalogue import EVENTS
from events.certification import Graduate, SiteCertified, SiteUncertified
from events.collection import CollectionClosed, CollectionOpened, PriorYearAccessGranted
from events.commit import Commit, Genesis, encode
from events.identity import IdentityStanding, StudentErased, StudentIdentified
from events.official_transcript import OfficialTranscriptRejected, OfficialTranscriptRendered
from events.publication import ReferencePublished
from events.sealing import event_context
from events.stored import Event, Standing, clear_part, plaintext, store
from events.streams import (
    certification_stream,
    collection_stream,
    identity_stream,
    official_stream,
    reference_stream,
    student_stream,
    upload_stream,
)
from events.student import (
    CourseAdded,
    CourseDeleted,
    CourseEdited,
    CredentialAdded,
    CredentialDeleted,
    CredentialEdited,
    CredentialsReplaced,
    GraduationDateRemoved,
    StudentEdited,
    StudentMoved,
    StudentReassignedIn,
    StudentRecordSubmitted,
    StudentRemoved,
    StudentRolledOver,
    StudentStanding,
)
from events.transcript_content import Course, Diploma, LocalFigures, School, SchoolYear, Student, Transcript
from events.upload import UploadChecked, UploadClosed, UploadReceived, UploadRefused

FOLDER = Path(__file__).parent.parent / "golden" / "events"
MANIFEST = FOLDER / "MANIFEST"

LEDGER = UUID("6c656467-6572-4000-8000-000000000001")
COMMAND = UUID("636f6d6d-616e-4000-8000-000000000002")
CAUSE = UUID("75706c6f-6164-4000-8000-000000000003")
REF = UUID("73747564-656e-4000-8000-000000000004")
TIME = datetime(2026, 6, 15, 14, 30, 0, 123456, tzinfo=UTC)
KEY = bytes(range(32))
NONCE = bytes(range(100, 112))
EXPECTED = 4

GENESIS = Genesis(ledger=LEDGER, state_system="louisiana-sts", rule=1, time=TIME)


@dataclass(frozen=True)
class Example:
    """An event with what stands in clear beside it, and the stream it lies on."""

    event: Event
    stream: str
    standing: Standing | None = None


STUDENT = {
    "state_identification_number": "1000000017",
    "beginning_school_session_year": "2025",
    "sponsor_code": "017",
    "site_code": "017001",
    "local_identification_number": "LC0000001",
    "sex_code": "F",
    "partial_first_name": "V",
    "partial_last_name": "ZYL",
    "parental_guardian_consent_flag": "N",
}
COURSE = {"course_code": "160321", "letter_grade_code": "A", "course_site_name": 'École "des Cyprès"'}
TRANSCRIPT = Transcript(
    school=School("Louisiana", "Louisiana Department of Education", "017", "017001"),
    student=Student("Vorimquenda Tholme Zylthmarope III", "7K2M-9QXA-4FDC", birth_date="2009-02-28"),
    bssy="2025",
    diploma=Diploma("TU", "TOPS University Diploma", graduation_date="2026-05-15"),
    local=LocalFigures(gpa="3.9"),
    years=(
        SchoolYear("2025", (Course("Y1", "160321", 'Français "avancé"', "A", attempted=100, earned=100),), 100, 100),
    ),
    attempted=100,
    earned=100,
)
CREDENTIAL = {"ibc_code": "901", "pass_fail": "P"}
HERE = StudentStanding(present=True, sector="public", site="017001", graduate=True, record="d" * 64)
NO_GRADUATE = StudentStanding(present=True, sector="public", site="017001", graduate=False, record="e" * 64)
GONE = StudentStanding(present=False)


def of_student(event: Event, standing: StudentStanding = HERE) -> Example:
    return Example(event, student_stream("017", REF, "2025"), standing)


def of_collection(event: Event) -> Example:
    return Example(event, collection_stream("2025"))


def of_official(event: Event) -> Example:
    return Example(event, official_stream(REF))


def of_upload(event: Event) -> Example:
    return Example(event, upload_stream(CAUSE))


EXAMPLES: Mapping[str, Example] = {
    "upload-received-v1": of_upload(
        UploadReceived("b" * 64, 600, "delete-all-and-replace", "2025", "017", "public", 'Été "17".txt', "f" * 64)
    ),
    "upload-received-v2": of_upload(
        UploadReceived(
            "b" * 64, 600, "replace", "2025", "017", "public", 'Été "17".txt', "f" * 64, expected_plan=f"{'a' * 64}@310"
        )
    ),
    "upload-refused-v1": of_upload(UploadRefused({"F03": 1, "F04": 2}, "e" * 64)),
    "upload-checked-v1": of_upload(
        UploadChecked("2026-06-15", 61, {"305": 2}, ("U01", "U02"), "e" * 64, "c" * 64, 5, 4, 3, 2)
    ),
    "upload-closed-v1": of_upload(UploadClosed(5, 4, 3, 2, 1)),
    "student-record-submitted-v1": of_student(StudentRecordSubmitted(STUDENT, (COURSE, COURSE), (CREDENTIAL,))),
    "credentials-replaced-v1": of_student(CredentialsReplaced((CREDENTIAL, CREDENTIAL))),
    "student-edited-v1": of_student(StudentEdited({"sex_code": "M", "local_identification_number": ""})),
    "course-added-v1": of_student(CourseAdded(3, COURSE)),
    "course-edited-v1": of_student(CourseEdited(2, {"letter_grade_code": "B"})),
    "course-deleted-v1": of_student(CourseDeleted(1)),
    "credential-added-v1": of_student(CredentialAdded(2, CREDENTIAL)),
    "credential-edited-v1": of_student(CredentialEdited(1, {"pass_fail": "F"})),
    "credential-deleted-v1": of_student(CredentialDeleted(1)),
    "student-removed-v1": of_student(StudentRemoved("delete-all-and-replace"), GONE),
    "graduation-date-removed-v1": of_student(GraduationDateRemoved(("2", "4", "6"), "05152026"), NO_GRADUATE),
    "student-moved-v1": of_student(StudentMoved("017002", "017001")),
    "student-reassigned-in-v1": of_student(
        StudentReassignedIn(student_stream("018", REF, "2025"), 7, STUDENT, (COURSE, COURSE), (CREDENTIAL,))
    ),
    "student-rolled-over-v1": of_student(
        StudentRolledOver(student_stream("017", REF, "2024"), 3, STUDENT, (COURSE,), ()), NO_GRADUATE
    ),
    "collection-opened-v1": of_collection(CollectionOpened("2025")),
    "collection-closed-v1": of_collection(CollectionClosed("2025")),
    "prior-year-access-granted-v1": of_collection(
        PriorYearAccessGranted("017", "2026-10-31", 'Request of 10/2: "École des Cyprès", two students')
    ),
    "student-identified-v1": Example(
        StudentIdentified("Vorimquenda", "Zylthmarope", "Tholme", "III", "2009-02-28", "666000001", "F"),
        identity_stream(REF),
        IdentityStanding(identity="a" * 64),
    ),
    "student-identified-v2": Example(
        StudentIdentified("Vorimquenda", "Zylthmarope", "Tholme", "III", "2009-02-28", "666000001", "F", "YNNNNY"),
        identity_stream(REF),
        IdentityStanding(identity="a" * 64),
    ),
    "reference-published-v1": Example(
        ReferencePublished("sites", 2025, "a" * 64, 1200, True, "b" * 64, "c" * 64), reference_stream("sites")
    ),
    "site-certified-v1": Example(
        SiteCertified((Graduate(REF, 4, "d" * 64, "a" * 64), Graduate(CAUSE, 1, "e" * 64, ""))),
        certification_stream("017001", "2025"),
    ),
    "site-uncertified-v1": Example(
        SiteUncertified("wrong data of Vorimquenda were sent"), certification_stream("017001", "2025")
    ),
    "official-transcript-rendered-v1": of_official(
        OfficialTranscriptRendered(
            "2025",
            "017",
            "017001",
            "public",
            2,
            "d" * 64,
            "a" * 64,
            41,
            TIME.replace(microsecond=0),
            "b" * 64,
            "c" * 64,
            "0.15.2",
            "ledger",
            TRANSCRIPT,
            "e" * 64,
            "f" * 64,
        )
    ),
    "official-transcript-rejected-v1": of_official(
        OfficialTranscriptRejected(
            "2025", "017", "017001", "d" * 64, "", 41, ("identity-missing", "too-few-credits"), "ledger"
        )
    ),
    "student-erased-v1": Example(StudentErased("docket 2026-17"), identity_stream(REF), IdentityStanding(identity="")),
}


def commit_of(example: Example) -> Commit:
    """Return the example's commit, sealed with a fixed nonce."""
    context = event_context(LEDGER, example.stream, EXPECTED + 1)
    with patch("events.sealing.os.urandom", lambda size: NONCE[:size]):
        stored = store(example.event, example.standing, KEY, context)
    return Commit(
        ledger=LEDGER,
        stream=example.stream,
        expected=EXPECTED,
        command=COMMAND,
        events=(stored,),
        actor="somebody (operating system user, unauthenticated)",
        time=TIME,
        key=9,
        cause=CAUSE,
        rules="a" * 64,
        layout="b" * 64,
    )


def files_of(name: str) -> dict[str, bytes]:
    """Return what today's code makes of an example: its golden files by name."""
    if name == "genesis-v1":
        return {f"{name}.commit.json": encode(GENESIS)}
    example = EXAMPLES[name]
    return {
        f"{name}.plain.json": plaintext(example.event),
        f"{name}.clear.json": bytes(clear_part(example.event, example.standing)),
        f"{name}.commit.json": encode(commit_of(example)),
    }


def current_names() -> list[str]:
    """Return the names of what today's code writes: the genesis, and every event at its newest version."""
    return ["genesis-v1", *(f"{event.stored_name}-v{event.stored_version}" for event in EVENTS)]


def digests() -> dict[str, str]:
    """Return the SHA-256 of every golden file that is there."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(FOLDER.glob("*.json"))}


def manifest() -> dict[str, str]:
    """Return the SHA-256 of every golden file that was ever added."""
    lines = MANIFEST.read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


def main() -> None:
    """Write what is missing, in sha256sum's form."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in current_names():
        for file, data in files_of(name).items():
            if not (FOLDER / file).exists():
                (FOLDER / file).write_bytes(data)
    known = manifest() if MANIFEST.exists() else {}
    lines = [f"{digest}  {name}\n" for name, digest in sorted((digests() | known).items())]
    MANIFEST.write_text("".join(lines), encoding="ascii")


if __name__ == "__main__":
    main()
