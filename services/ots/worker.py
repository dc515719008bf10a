"""The OTS worker: takes who waits, judges at that moment, renders or rejects, and appends the answer.

Any number of workers may run. The answer carries the version of the student's official stream that it saw; of two
answers one stands. The document lies sealed in the blob store before the answer is appended, so a version that the log
names is always there; a crash in between leaves a blob that nobody names.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid5

from events.certification import Certified
from events.official_reasons import reasons_against
from events.official_transcript import (
    Official,
    OfficialEvent,
    OfficialTranscriptRejected,
    OfficialTranscriptRendered,
    decide,
    evolve,
)
from events.registry.contract import Key
from events.streams import official_stream, student_stream
from events.student import Absent, Present
from events.transcript_content import Content, content_digest, content_of
from projections.ots_status import Status, queue
from services.certifying import identity_of
from services.certifying import load as load_certification
from services.commands import Loaded, loaded
from services.ledger import Draft, Ledger, Written
from services.ots.document import Rendered, render

AT_ONCE = 4
PAGE = 100
WORKER = "ledger"


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of one waiting graduate: S with the version's number, R with its reasons, or None if void."""

    status: Status
    event: OfficialEvent | None
