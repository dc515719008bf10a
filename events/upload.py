"""An upload's life: received, then refused, or checked and closed. One stream per upload."""

from dataclasses import dataclass
from typing import Any, Literal

from events.stored import Event

Mode = Literal["validate-only", "replace", "delete-all-and-replace"]
"""R-040: check and store nothing; replace the students in the file; also remove the other students of its sites."""


class UploadReceived(Event, frozen=True):
    """A file lies in the blob store, whole and sealed. Its position is its place in the sponsor's queue (R-033).

    `blob` is the digest of the sealed file, `size` its plain size in bytes. `sponsor` and `bssy` are empty where the
    file does not tell them. The file's own name and SHA-256 are sealed: a person may have put a name into the one,
    and a file of one student could be guessed from the other. So is `expected_plan`, the plan that the sender was shown
    (digest and position), without which nothing of the file is stored; empty where the sender named none.
    """

    stored_name = "upload-received"
    stored_version = 2
    clear_fields = frozenset({"blob", "size", "mode", "bssy", "sponsor", "variant"})

    blob: str
    size: int
    mode: Mode
    bssy: str
    sponsor: str
    variant: str
    file_name: str
    sha256: str
    expected_plan: str = ""


def add_expected_plan(content: dict[str, Any]) -> dict[str, Any]:
    """Bring v1 forward, which expected no plan."""
    return content | {"expected_plan": ""}


class UploadRefused(Event, frozen=True):
    """A global fault: no record of the file is processed (R-037)."""

    stored_name = "upload-refused"
    clear_fields = frozenset({"codes", "report"})

    codes: dict[str, int]
    report: str


class UploadChecked(Event, frozen=True):
    """The verdict on the file, frozen: a crash resumes from the manifest and never checks again.

    `today` is the day that the checks took as today; `codes` counts findings by code; `report` and `manifest` are
    blob digests. The last four say what is going to happen to how many students.
    """

    stored_name = "upload-checked"
    clear_fields = frozenset(
        {"today", "rows", "codes", "undecided", "report", "manifest", "store", "unchanged", "held", "remove"}
    )

    today: str
    rows: int
    codes: dict[str, int]
    undecided: tuple[str, ...]
    report: str
    manifest: str
    store: int
    unchanged: int
    held: int
    remove: int


class UploadClosed(Event, frozen=True):
    """Every row of the manifest has its verdict. `overwritten` counts students who were edited meanwhile."""

    stored_name = "upload-closed"
    clear_fields = frozenset({"stored", "unchanged", "held", "removed", "overwritten"})

    stored: int
    unchanged: int
    held: int
    removed: int
    overwritten: int


UploadEvent = UploadReceived | UploadRefused | UploadChecked | UploadClosed


@dataclass(frozen=True, slots=True)
class NotReceived:
    """Nothing is known of this upload."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Received and not yet checked."""

    received: UploadReceived


@dataclass(frozen=True, slots=True)
class Working:
    """Checked; its manifest is being carried out."""

    received: UploadReceived
    checked: UploadChecked


@dataclass(frozen=True, slots=True)
class Done:
    """Refused or closed; nothing more can happen."""

    received: UploadReceived
    last: UploadRefused | UploadClosed


UploadState = NotReceived | Waiting | Working | Done


def evolve(state: UploadState, event: UploadEvent) -> UploadState:
    """Fold one event. Raises ValueError for an event that cannot follow."""
    match state, event:
        case NotReceived(), UploadReceived():
            return Waiting(event)
        case Waiting(received=received), UploadChecked():
            return Working(received, event)
        case Waiting(received=received), UploadRefused():
            return Done(received, event)
        case Working(received=received), UploadClosed():
            return Done(received, event)
    raise ValueError(f"{event.stored_name} cannot follow {type(state).__name__}")


def decide(proposed: UploadEvent, state: UploadState) -> tuple[UploadEvent, ...]:
    """Let an event happen once, in its turn; doing a finished step again changes nothing.

    Raises ValueError for a step out of turn, which is a fault of the caller.
    """
    match proposed, state:
        case UploadReceived(), Waiting() | Working() | Done():
            return ()
        case ((UploadChecked() | UploadRefused()), Working() | Done()):
            return ()
        case UploadClosed(), Done():
            return ()
        case (
            (UploadReceived(), NotReceived())
            | ((UploadChecked() | UploadRefused()), Waiting())
            | (UploadClosed(), Working())
        ):
            return (proposed,)
    raise ValueError(f"{proposed.stored_name} cannot happen to an upload that is {type(state).__name__}")
