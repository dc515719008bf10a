"""The same rows as our follower writes, by psycopg: the same bytes, the same fold, the same tables, the same COPY.

What judges, opens and folds is imported from the project, so that the peers differ from it in nothing but how they get
the events, how they write, and how they keep their place.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from events.commit import Genesis, encode
from events.fold import Judged, Known, Read, fold, read_records
from events.log.contract import Record
from events.registry.contract import Key
from events.registry.master_key import MasterKey
from events.stored import Event
from events.streams import StudentStream, parse_student_stream
from events.student import Present
from projections.advance import standing
from projections.current_transcripts import CurrentTranscripts, course_row, credential_row, fold_states, student_row
from projections.index import Head
from projections.opening import OpenCommit

Cursor = psycopg.Cursor[Any]
Row = tuple[Any, ...]

VERSIONS = (
    "select name, (select max(version) from commits where stream = name and verdict = 'stands') "
    "from unnest(%s::text[]) as name"
)
STOOD = "select command from commits where command = any(%s::uuid[]) and verdict = 'stands'"
KEYS = "select serial, owner, wrapped from registry.keys where serial = any(%s::bigint[])"
MOVE = (
    "update head set next_position = %s, last_position = %s, last_digest = %s, as_of = %s, last_key = %s, genesis = %s"
)
DELETE = sql.SQL(
    "delete from {table} as t using unnest(%s::uuid[], %s::text[], %s::text[]) as k (ref, bssy, sponsor) "
    "where t.ref = k.ref and (t.bssy, t.sponsor) is not distinct from (k.bssy, k.sponsor)"
)
TYPES = (
    "select format_type(atttypid, null) from pg_attribute "
    "where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum"
)


class Keys:
    """The students' keys, looked up in the registry's database as they are needed and then kept."""

    def __init__(self, connection: psycopg.Connection[Any], master: MasterKey) -> None:
        self._connection = connection
        self._master = master
        self._kept: dict[int, Key] = {}

    def of(self, serials: Iterable[int]) -> Mapping[int, Key]:
        """Return the keys of these serials, among others."""
        missing = set(serials) - self._kept.keys() - {0}
        if missing:
            for serial, owner, wrapped in self._connection.execute(KEYS, [list(missing)]):
                self._kept[serial] = Key(serial, owner, self._master.unwrap(serial, owner, wrapped))
        return self._kept


class Rows:
    """Writes batches of records as rows of the current transcripts, and of the index where `index` is set."""

    def __init__(self, keys: Keys, *, index: bool) -> None:
        self._keys = keys
        self._index = index
        self._head = Head(0, None, None, None, 0, None)
        self._types: dict[str, list[str]] = {}

    def write(self, cursor: Cursor, records: Sequence[Record]) -> None:
        """Fold a batch into rows, in the transaction of the cursor."""
        batch = read_records(records)
        judged, _ = fold(batch, self._look_up(cursor, batch) if self._index else self._as_stated(batch))
        opened = self._open(judged)
        if self._index:
            self._write_index(cursor, judged)
        self._write_transcripts(cursor, [commit for commit in opened if commit.category == "student"])
        self._move(cursor, judged)

    def _look_up(self, cursor: Cursor, batch: Sequence[Read]) -> Known:
        commits = [read.commit for read in batch if read.commit]
        streams, commands = list({c.stream for c in commits}), list({c.command for c in commits})
        versions = {name: version for name, version in cursor.execute(VERSIONS, [streams]) if version is not None}
        stood = {command for (command,) in cursor.execute(STOOD, [commands])}
        return Known(self._head.genesis, versions, stood)

    def _as_stated(self, batch: Sequence[Read]) -> Known:
        """Take what the events' store let in as standing: it keeps versions and ids unique by itself."""
        versions: dict[str, int] = {}
        for read in batch:
            if read.commit:
                versions.setdefault(read.commit.stream, read.commit.expected)
        return Known(self._head.genesis, versions, frozenset())

    def _open(self, judged: Sequence[Judged]) -> list[OpenCommit]:
        kept = standing(judged, self._head)
        keys = self._keys.of(item.commit.key for item in kept)
        return [OpenCommit(item.position, item.as_of, item.commit, keys.get(item.commit.key)) for item in kept]

    def _write_index(self, cursor: Cursor, judged: Sequence[Judged]) -> None:
        rows: list[Row] = []
        as_of = self._head.as_of
        for item in judged:
            as_of = later(as_of, item)
            stream, command = (item.commit.stream, item.commit.command) if item.commit else (None, None)
            version = item.version if item.commit else None
            rows.append((item.record.position, item.verdict, stream, version, command, as_of, item.record.data))
        self._copy(cursor, "commits", rows)

    def _move(self, cursor: Cursor, judged: Sequence[Judged]) -> None:
        last, as_of, key, genesis = judged[-1].record, self._head.as_of, self._head.last_key, self._head.genesis
        for item in judged:
            as_of = later(as_of, item)
            key = max(key, item.commit.key) if item.commit and item.stands else key
            genesis = item.entry if isinstance(item.entry, Genesis) and item.stands else genesis
        head = Head(last.position + 1, last.position, sha256(last.data).digest(), as_of, key, genesis)
        if self._index:
            stored = encode(genesis) if genesis else None
            cursor.execute(
                MOVE, [head.next_position, head.last_position, head.last_digest, head.as_of, head.last_key, stored]
            )
        self._head = head

    def _write_transcripts(self, cursor: Cursor, commits: Sequence[OpenCommit]) -> None:
        """Replace the rows of every student of the batch; the events of this log hold whole sets."""
        last: dict[str, OpenCommit] = {}
        events: dict[str, list[Event]] = {}
        for commit in commits:
            last[commit.commit.stream] = commit
            events.setdefault(commit.commit.stream, []).extend(commit.events)
        streams = {stream: parse_student_stream(stream) for stream in last}
        begun = {commit.commit.stream for commit in commits if commit.commit.expected == 0}
        self._delete(cursor, [parts for stream, parts in streams.items() if stream not in begun])
        students, courses, credentials = list[Row](), list[Row](), list[Row]()
        for stream, (sponsor, ref, bssy) in streams.items():
            state, key = fold_states(events[stream]), (ref, bssy, sponsor)
            assert isinstance(state, Present)
            students.append(student_row(key, state, last[stream]))
            courses += (course_row(key, number, fields) for number, fields in state.courses.items())
            credentials += (credential_row(key, number, fields) for number, fields in state.credentials.items())
        for table, rows in zip(CurrentTranscripts.tables, (students, courses, credentials), strict=True):
            self._copy(cursor, table, rows)

    def _delete(self, cursor: Cursor, streams: Sequence[StudentStream]) -> None:
        keys = [[s.ref for s in streams], [s.bssy for s in streams], [s.sponsor for s in streams]]
        for table in CurrentTranscripts.tables if streams else ():
            cursor.execute(DELETE.format(table=sql.Identifier(table)), keys)
            if cursor.rowcount == 0:
                return

    def _copy(self, cursor: Cursor, table: str, rows: Sequence[Row]) -> None:
        if not rows:
            return
        types = self._types_of(cursor, table)
        with cursor.copy(sql.SQL("copy {} from stdin (format binary)").format(sql.Identifier(table))) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)

    def _types_of(self, cursor: Cursor, table: str) -> list[str]:
        if table not in self._types:
            with cursor.connection.cursor(row_factory=tuple_row) as asking:
                self._types[table] = [name for (name,) in asking.execute(TYPES, [table])]
        return self._types[table]


def later(as_of: datetime | None, item: Judged) -> datetime | None:
    """The running maximum of the times of what stands."""
    if item.entry is None or not item.stands:
        return as_of
    return item.entry.time if as_of is None else max(as_of, item.entry.time)
