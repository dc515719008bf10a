"""Official transcripts: every answer to a certified graduate, sent or rejected, and every version for ever (R-182)."""

from collections.abc import Sequence

from events.identity import is_erasure
from events.official_transcript import Answer
from events.stored import read_clear
from events.streams import owner_of
from projections.database import Connection
from projections.opening import OpenCommit
from projections.projection import History

DDL = """
create table official_answers (
    ref uuid, position bigint,
    status text not null check (status in ('S', 'R')),
    bssy text not null, sponsor text not null, site text not null,
    record text not null, identity text not null, certified_at bigint not null,
    number integer not null, pdf text not null, template text not null, typst text not null,
    reasons text[] not null, by text not null, answered_at timestamptz not null,
    primary key (ref, position)
);
create index official_answers_of_site on official_answers (bssy, site);
"""


class OfficialTranscripts:
    """The projection. It folds the clear parts alone; the content stays sealed in the log."""

    name = "official_transcripts"
    version = 1
    tables: Sequence[str] = ("official_answers",)
    ddl = DDL
    categories = frozenset({"official", "identity"})

    async def apply(self, connection: Connection, commits: Sequence[OpenCommit], _history: History) -> None:
        """Add the batch's answers; drop those of the erased."""
        answers = [answer_row(commit) for commit in commits if commit.category == "official" and not commit.erased]
        if answers:
            await connection.copy_records_to_table("official_answers", records=answers)
        erased = [owner_of(commit.commit.stream) for commit in commits if is_erasure(commit.commit)]
        if erased:
            await connection.execute("delete from official_answers where ref = any($1::uuid[])", erased)


def answer_row(commit: OpenCommit) -> tuple[object, ...]:
    """One row an answer, in the order of the table's columns. A commit holds one answer."""
    (stored,) = commit.commit.events
    answer = read_clear(stored, Answer)
    return (
        owner_of(commit.commit.stream),
        commit.position,
        "S" if answer.number else "R",
        answer.bssy,
        answer.sponsor,
        answer.site,
        answer.record,
        answer.identity,
        answer.certified_at,
        answer.number,
        answer.pdf,
        answer.template,
        answer.typst,
        list(answer.reasons),
        answer.by,
        commit.as_of,
    )
