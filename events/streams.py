"""Stream names. They carry codes, years and random ids, never personal data."""

import re
from typing import NamedTuple
from uuid import UUID, uuid5

MAX_STREAM_CHARS = 200
NAMELESS = UUID("b6f0a6f2-6f0b-4f5e-8a52-0f4a1f6b7c11")
"""The name space of key owners that are no person and no upload."""

WELL_FORMED = re.compile(r"[a-z]+(/[A-Za-z0-9_-]+)+")
CODE = re.compile(r"[A-Za-z0-9_-]+")


class StudentStream(NamedTuple):
    """The parts of a student's stream: one student, at one sponsor, in one school year."""

    sponsor: str
    ref: UUID
    bssy: str


def student_stream(sponsor: str, ref: UUID, bssy: str) -> str:
    """Name the stream of a student's transcript set (R-001: BSSY + sponsor + state id).

    Raises ValueError for a sponsor or year that cannot be part of a name.
    """
    if not is_code(sponsor) or not is_code(bssy):
        raise ValueError(f"no stream can be named for sponsor {sponsor!r} in {bssy!r}: only letters and digits may be")
    return f"student/{sponsor}/{ref}/{bssy}"


def upload_stream(upload: UUID) -> str:
    """Name the stream of one upload."""
    return f"upload/{upload}"


def identity_stream(ref: UUID) -> str:
    """Name the stream that says who a ref is."""
    return f"identity/{ref}"


def certification_stream(site: str, bssy: str) -> str:
    """Name the stream of one site's certification in one school year."""
    return f"certification/{site}/{bssy}"


def official_stream(ref: UUID) -> str:
    """Name the stream of a student's official transcripts."""
    return f"official/{ref}"


def collection_stream(bssy: str) -> str:
    """Name the stream of one school year's collection period."""
    return f"collection/{bssy}"


def reference_stream(table: str) -> str:
    """Name the stream of a reference table's publications."""
    return f"reference/{table}"


def category(stream: str) -> str:
    """Return what kind of stream this is: `student`, `upload`, `identity`, `official` and so on."""
    return stream.split("/", 1)[0]


def parse_student_stream(stream: str) -> StudentStream:
    """Take a student stream's name apart. Raises ValueError for any other stream."""
    kind, sponsor, ref, bssy = stream.split("/")
    if kind != "student":
        raise ValueError(f"{stream!r} is not a student stream")
    return StudentStream(sponsor, UUID(ref), bssy)


def owner_of(stream: str) -> UUID:
    """Return whose key opens a stream: a ref, an upload id, or, where no person owns it, an id made of its name.

    Raises ValueError where the name of a person's or an upload's stream holds no id.
    """
    kind, *rest = stream.split("/")
    if kind not in {"student", "upload", "identity", "official"}:
        return uuid5(NAMELESS, stream)
    place = 1 if kind == "student" else 0
    if len(rest) <= place:
        raise ValueError(f"{stream!r} names nobody")
    return UUID(rest[place])


def names_owner(stream: str) -> bool:
    """Tell whether a key can belong to a stream of this name."""
    try:
        owner_of(stream)
    except ValueError:
        return False
    return True


def is_code(text: str) -> bool:
    """Tell whether a code may be a part of a stream's name."""
    return CODE.fullmatch(text) is not None


def is_well_formed(stream: str) -> bool:
    """Tell whether a name may stand in a commit (rule 1)."""
    return len(stream) <= MAX_STREAM_CHARS and WELL_FORMED.fullmatch(stream) is not None
