"""Each reading command answers with one object; these are their keys.

`ledger` is the ledger's short id. `position` is the last position that the answer has seen, unless it says otherwise;
`replay --as-of` that position gives the same answer again.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from projections.index_queries import ProjectionRow
from projections.transcript_queries import CourseRow, CredentialRow, StudentRow
from projections.upload_queries import Finding, UploadRow
from schemas.louisiana_sts.records import Fields
from services.auditing import BlobDifference, RowDifference
from services.history import Change, Entry, RemovedDate
from services.intake.preview import Plan


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all answers."""

    ledger: str
    position: int


class UploadAnswer(Answer, frozen=True, kw_only=True):
    """One upload, and how often each code was found in it."""

    upload: UploadRow
    findings: tuple[Finding, ...]


class PlanAnswer(Answer, frozen=True, kw_only=True):
    """What `upload --plan` would do; no plan for a file that would be refused. `position` is the plan's."""

    plan: Plan | None
    findings: tuple[Finding, ...]


class UploadsAnswer(Answer, frozen=True, kw_only=True):
    """Uploads, the newest first."""

    uploads: tuple[UploadRow, ...]


class StudentsAnswer(Answer, frozen=True, kw_only=True):
    """Students; `count` is how many fit, of whom the first ones are listed."""

    count: int
    students: tuple[StudentRow, ...]


class StudentAnswer(Answer, frozen=True, kw_only=True):
    """One student's set as the current transcripts hold it."""

    student: StudentRow
    courses: tuple[CourseRow, ...]
    credentials: tuple[CredentialRow, ...]


class EditAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an edit: stored, repeated or unchanged; `position` is that of its commit, where there is one."""

    ledger: str
    position: int | None
    outcome: str
    command: UUID
    version: int
    graduation_date_removed: RemovedDate | None = None


class HistoryAnswer(Answer, frozen=True, kw_only=True):
    """Every commit on a student's stream, oldest first."""

    state_id: str
    bssy: str
    sponsor: str
    entries: tuple[Entry, ...]


class ReplayAnswer(Answer, frozen=True, kw_only=True):
    """A set as it stood at `position`, by the layout's field names; `held` is false where there was none.

    `changed_at` and `changed_position` are those of the last commit before.
    """

    state_id: str
    bssy: str
    sponsor: str
    held: bool
    version: int
    changed_at: datetime | None
    changed_position: int | None
    student: Fields
    courses: dict[int, Fields]
    credentials: dict[int, Fields]


class DiffAnswer(Answer, frozen=True, kw_only=True):
    """What changed in a set after one position, up to and with another (`position`)."""

    state_id: str
    bssy: str
    sponsor: str
    from_position: int
    from_version: int
    to_version: int
    changes: tuple[Change, ...]


class FsckAnswer(Answer, frozen=True, kw_only=True):
    """How many rows and blobs were compared with the log, and which differ."""

    rows: int
    blobs: int
    differences: int
    row_differences: tuple[RowDifference, ...]
    blob_differences: tuple[BlobDifference, ...]


class ProjectionsAnswer(Answer, frozen=True, kw_only=True):
    """Where each view stands."""

    projections: tuple[ProjectionRow, ...]


class VerdictAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a command: `verdict` is stands, a reason for void, or not-seen; then there is no position."""

    ledger: str
    command: UUID
    verdict: str
    position: int | None
    stream: str | None
    version: int | None


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One record of the log, without anything personal."""

    ledger: str
    position: int
    time: datetime | None
    stream: str
    events: tuple[str, ...]
    verdict: str


class StatusAnswer(Answer, frozen=True, kw_only=True):
    """The ledger, where its parts lie, and where its views stand. `end` is the position that the next record gets."""

    ledger_id: UUID
    state_system: str
    version: str
    end: int
    log: str
    views: str
    registry: str
    blobs: str
    master_key: str
    projections: tuple[ProjectionRow, ...]
