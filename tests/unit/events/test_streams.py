"""Stream names."""

from uuid import UUID

import pytest

from events.streams import (
    MAX_STREAM_CHARS,
    StudentStream,
    category,
    certification_stream,
    collection_stream,
    identity_stream,
    is_well_formed,
    names_owner,
    owner_of,
    parse_student_stream,
    student_stream,
    upload_stream,
)

REF = UUID("0a1b2c3d-4e5f-4061-8293-a4b5c6d7e8f9")


@pytest.mark.parametrize(
    ("stream", "name", "kind"),
    [
        (student_stream("017", REF, "2025"), f"student/017/{REF}/2025", "student"),
        (upload_stream(REF), f"upload/{REF}", "upload"),
        (identity_stream(REF), f"identity/{REF}", "identity"),
    ],
)
def test_a_stream_is_named_for_what_it_is_and_whose(stream: str, name: str, kind: str) -> None:
    assert stream == name
    assert category(stream) == kind
    assert owner_of(stream) == REF
    assert names_owner(stream)
    assert is_well_formed(stream)


def test_a_student_stream_reads_back() -> None:
    assert parse_student_stream(student_stream("4D1", REF, "2025")) == StudentStream("4D1", REF, "2025")


@pytest.mark.parametrize(
    "stream",
    [f"upload/{REF}", f"identity/017/{REF}/2025", f"student/{REF}", "student/017/nobody/2025", f"student/0/1/7/{REF}"],
)
def test_no_other_stream_reads_as_a_students(stream: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_student_stream(stream)


@pytest.mark.parametrize("stream", ["upload/nobody", "identity/x/y", "student/017", "official/x"])
def test_a_stream_that_names_nobody_has_no_owner(stream: str) -> None:
    assert not names_owner(stream)
    with pytest.raises(ValueError, match=r"."):
        owner_of(stream)


def test_a_stream_of_no_person_owns_a_key_of_its_own() -> None:
    """What is sealed there (a reason, a request) opens under a key made for that stream and no other."""
    streams = ["certification/017001/2025", "certification/017001/2024", "collection/2025"]

    assert len({owner_of(stream) for stream in streams}) == len(streams)
    assert all(owner_of(stream) == owner_of(stream) and names_owner(stream) for stream in streams)


def test_a_stream_of_no_person_has_a_key_owner_of_its_own() -> None:
    site = owner_of(certification_stream("017001", "2025"))
    assert site == owner_of("certification/017001/2025")
    assert site not in {owner_of(certification_stream("017001", "2026")), owner_of(collection_stream("2025"))}


@pytest.mark.parametrize("sponsor", ["0/7", "é17", "0 7", "", "0\n7", "01."])
def test_a_code_that_would_break_the_name_makes_no_stream(sponsor: str) -> None:
    with pytest.raises(ValueError, match="no stream"):
        student_stream(sponsor, REF, "2025")


@pytest.mark.parametrize("stream", ["a/b", "student/017/x/2025", "a/" + "b" * (MAX_STREAM_CHARS - 2), "a/B_-9"])
def test_these_names_may_stand_in_a_commit(stream: str) -> None:
    assert is_well_formed(stream)


@pytest.mark.parametrize(
    "stream", ["", "a", "a/", "/a", "a//b", "A/b", "a1/b", "a/b ", "a/b\n", "a/é", "a/" + "b" * (MAX_STREAM_CHARS - 1)]
)
def test_these_names_may_not(stream: str) -> None:
    assert not is_well_formed(stream)
