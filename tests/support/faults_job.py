"""What a process under test is told to do: its ledger, its journal, and its steps in order."""

from typing import Literal
from uuid import UUID

import msgspec

from events.upload import Mode
from tests.support.faults_points import Fault

BSSY, SPONSOR = "2025", "017"
"""The year and the sponsor of every file in these tests."""


class Settle(msgspec.Struct, frozen=True, tag=True):
    """Bring to an end what the processes before left: open uploads, and commands without an answer."""


class Arm(msgspec.Struct, frozen=True, tag=True):
    """From here on the fault may strike."""

    fault: Fault


class Edit(msgspec.Struct, frozen=True, tag=True):
    """Give a student another local id. `stated` is the version that the client believes in."""

    command: UUID
    state_id: str
    local_id: str
    stated: int | None = None


class Upload(msgspec.Struct, frozen=True, tag=True):
    """Send a file and work its queue. `command` names it in the journal only."""

    command: UUID
    path: str
    mode: Mode = "replace"


class Race(msgspec.Struct, frozen=True, tag=True):
    """Send many edits of one student at once, after telling "ready" and waiting for SIGUSR1."""

    edits: list[Edit]


class Certify(msgspec.Struct, frozen=True, tag=True):
    """Show a site's graduates and certify what was shown."""

    command: UUID
    site: str


class RunOts(msgspec.Struct, frozen=True, tag=True):
    """Be an OTS worker until nobody waits, or for ever."""

    for_ever: bool = False


class Publish(msgspec.Struct, frozen=True, tag=True):
    """Be the publisher of the first feed until it has told all that there is to tell."""


class AnswerOutside(msgspec.Struct, frozen=True, tag=True):
    """Be an outside OTS: send an answer for each graduate who waits, and send it again."""


class TakeAnswers(msgspec.Struct, frozen=True, tag=True):
    """Take outside answers until none is left."""


class KeepEditing(msgspec.Struct, frozen=True, tag=True):
    """Edit the students in turn, each command until it is answered, until SIGTERM."""

    state_ids: list[str]


class Follow(msgspec.Struct, frozen=True, tag=True):
    """Follow the log into the views until they have reached its end, or for ever.

    `batch` is the most records of one transaction; `lock` takes another advisory lock than all others.
    """

    batch: int = 100
    lock: int | None = None
    for_ever: bool = True


FeedStep = Publish | AnswerOutside | TakeAnswers
Step = Settle | Arm | Edit | Upload | Race | KeepEditing | Follow | Certify | RunOts | FeedStep


class Job(msgspec.Struct, frozen=True):
    """One process's whole task. `environment` is what `Settings` reads."""

    environment: dict[str, str]
    journal: str
    steps: list[Step]
    out: str


class Happened(msgspec.Struct, frozen=True):
    """What the nursery tells of a process. `number` is the exit code, or the signal that ended or stopped it.

    `word` is what the process itself told its journal.
    """

    what: Literal["started", "stopped", "continued", "exited", "killed", "told"]
    pid: int
    number: int = 0
    word: str = ""
