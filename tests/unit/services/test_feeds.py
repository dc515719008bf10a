"""The feed's contract: its documents are what the program makes, and its shapes what the ledger says."""

import json
import runpy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from faststream.kafka import TestKafkaBroker
from pydantic import BaseModel, ValidationError

from events import transcript_content
from services.cli.errors import CommandRefused
from services.cli.serve import roles_to_play
from services.feeds import transcript
from services.feeds.app import faults_in
from services.feeds.messages import RESULT
from services.feeds.reference import asyncapi, files

ROOT = Path(__file__).parents[3]
PARTS = {
    "School": "School",
    "Student": "Student",
    "Diploma": "Diploma",
    "LocalFigures": "LocalFigures",
    "Course": "Course",
    "SchoolYear": "SchoolYear",
    "Credential": "Credential",
    "Endorsement": "Endorsement",
    "FeedTranscript": "Transcript",
}
ANSWER: dict[str, Any] = {
    "answer": "rendered",
    "by": "Acme OTS",
    "ref": "5f0c7f0e-6a7c-4b58-9a5e-0d3f6a1b2c3d",
    "bssy": "2025",
    "certified_at": 7,
    "record": "a" * 64,
    "identity": "b" * 64,
    "sha256": "c" * 64,
}


@pytest.mark.parametrize("name", sorted(files()))
def test_the_reference_is_what_the_program_makes(name: str) -> None:
    """Else: python -m services.feeds.reference docs/reference"""
    assert (ROOT / "docs" / "reference" / name).read_text() == files()[name]


def test_no_schema_lies_in_the_reference_that_the_program_does_not_make() -> None:
    lying = {f"feeds-ots/{path.name}" for path in (ROOT / "docs" / "reference" / "feeds-ots").iterdir()}

    assert lying | {"feeds-ots.asyncapi.json"} == set(files())


def test_the_asyncapi_document_describes_both_topics() -> None:
    document = asyncapi()

    assert document["asyncapi"] == "3.0.0"
    assert {each["address"] for each in document["channels"].values()} == {"feeds.ots", "feeds.ots.results"}
    assert {name: each["action"] for name, each in document["operations"].items()} == {
        "feeds.ots": "send",
        "feeds.ots.results": "receive",
    }
    assert {"TranscriptCertified", "TranscriptSent", "TranscriptRejected", "TranscriptErased"} <= set(
        document["components"]["schemas"]
    )


@pytest.mark.parametrize(("ours", "theirs"), PARTS.items())
def test_the_feed_says_every_field_that_a_transcript_has(ours: str, theirs: str) -> None:
    """A field that joins the document must be told to outside systems, too."""
    told: type[BaseModel] = getattr(transcript, ours)
    held: type[msgspec.Struct] = getattr(transcript_content, theirs)

    assert set(told.model_fields) == set(held.__struct_fields__)


def test_an_answer_is_read_and_what_it_may_add_is_ignored() -> None:
    read = RESULT.validate_json(json.dumps({**ANSWER, "later": 1}))

    assert (read.answer, read.by, read.certified_at) == ("rendered", "Acme OTS", 7)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"answer": "perhaps"}, "body: union_tag_invalid"),
        ({"ref": "Jane Doe"}, "rendered.ref: uuid_parsing"),
        ({"sha256": "C" * 64}, "rendered.sha256: string_pattern_mismatch"),
        ({"by": "Jane\nDoe"}, "rendered.by: string_pattern_mismatch"),
        ({"by": "ledger"}, "rendered.by: value_error"),
        ({"answer": "rejected", "reasons": []}, "rejected.reasons: too_short"),
        (
            {"answer": "rejected", "reasons": ["Jane Doe has moved"]},
            "rejected.reasons.0: string_pattern_mismatch; rejected.reasons: too_short",
        ),
    ],
)
def test_a_faulty_answer_is_named_by_place_and_kind_alone(change: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as caught:
        RESULT.validate_python({**ANSWER, **change})

    assert faults_in(caught.value) == place


def test_without_kafka_the_feeds_are_refused_and_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandRefused, match="LEDGER_LOG=kafka"):
        roles_to_play(["ots", "feeds"], on_kafka=False)

    assert roles_to_play([], on_kafka=False) == ("projector", "intake", "ots")
    assert "without feeds" in capsys.readouterr().err
    assert roles_to_play(["ots"], on_kafka=False) == ("ots",)
    assert capsys.readouterr().err == ""
    assert roles_to_play([], on_kafka=True) == ("projector", "intake", "ots", "feeds")


def test_an_unknown_role_is_refused_by_name() -> None:
    with pytest.raises(CommandRefused, match="unknown role printer"):
        roles_to_play(["printer", "ots"], on_kafka=True)


# --- The example -------------------------------------------------------------------------------------------------


async def test_the_example_names_repeats_gaps_and_conflicts(capsys: pytest.CaptureFixture[str]) -> None:
    """It prints numbers and ids, and nothing of a body."""
    app = runpy.run_path(str(ROOT / "examples" / "ots_consumer.py"))["make_app"](["localhost:1"])
    heard = [(3, "c"), (4, "d"), (4, "d"), (7, "g"), (8, "h"), (8, "x")]

    async with TestKafkaBroker(app.broker) as broker:
        for sequence, event_id in heard:
            headers = {"ce_sequence": str(sequence), "ce_id": event_id, "ce_type": "ledger.transcript.certified"}
            await broker.publish({"name": "Jane Doe"}, "feeds.ots", headers=headers)

    out = capsys.readouterr().out
    assert "Jane" not in out
    assert [line.split("  ")[-1] for line in out.splitlines()] == [
        "new",
        "new",
        "repeat",
        "GAP: expected 5",
        "new",
        "CONFLICT: another event under this number",
    ]


def test_the_example_stays_short() -> None:
    assert len((ROOT / "examples" / "ots_consumer.py").read_text().splitlines()) < 50
