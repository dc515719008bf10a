"""Writes the feed's contract from the program itself: `python -m services.feeds.reference docs/reference`.

An AsyncAPI 3.0 document by FastStream, and a JSON Schema (2020-12) of each message's body.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faststream.specification import AsyncAPI
from pydantic import BaseModel

from services.feeds.app import describe_feed, make_broker, subscribe
from services.feeds.messages import RESULT, SEQUENCE, TYPES, RejectedOutside, RenderedOutside
from services.feeds.topics import Feeds

VERSION = "1.0.0"
"""Of the contract. A field may join within a major version; a consumer ignores what it does not know."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"
TEXT = {"type": "string"}
HEADERS = {
    "type": "object",
    "description": "CloudEvents 1.0, binary mode.",
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "format": "uuid", "description": "The same for every repeat of a message."},
        "ce_source": {**TEXT, "description": "The ledger: urn:uuid and its id."},
        "ce_type": {"enum": list(TYPES.values())},
        "ce_subject": {**TEXT, "description": "The ref, which is the key, too."},
        "ce_time": {"type": "string", "format": "date-time"},
        SEQUENCE: {"type": "string", "pattern": "^[1-9][0-9]*$", "description": "Counts from 1 without a hole."},
        "content-type": {"const": "application/json"},
    },
}


async def nothing(_result: RenderedOutside | RejectedOutside) -> str:
    """Take no answer: the document is made without a ledger."""
    return "late"


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI document, in an order that does not change from run to run."""
    feeds = Feeds(["kafka.example:9092"])
    broker = make_broker(feeds)
    describe_feed(broker, feeds)
    subscribe(broker, feeds, nothing)
    made = AsyncAPI(
        broker,
        title="The transcript ledger's feed for Official Transcript Systems",
        version=VERSION,
        description="One partition a topic, so one order; delivery is at least once. Messages are kept for seven days.",
        schema_version="3.0.0",
    )
    document: dict[str, Any] = json.loads(made.to_specification().to_json())
    document["components"]["messages"][f"{feeds.ots}:Message"]["headers"] = HEADERS
    return document


def schemas() -> Mapping[str, dict[str, Any]]:
    """Return the JSON Schema of each body by the name of its file."""
    found = {f"{name.rsplit('.', 1)[1]}.schema.json": schema_of(model) for model, name in TYPES.items()}
    result = RESULT.json_schema()
    return {**found, "result.schema.json": {"$schema": DIALECT, "title": "Result", **result}}


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return a model's schema as it is written: every field is there."""
    return {"$schema": DIALECT, **model.model_json_schema(mode="serialization")}


def files() -> Mapping[str, str]:
    """Return each file by its name under docs/reference."""
    documents = {f"feeds-ots/{name}": schema for name, schema in schemas().items()}
    documents["feeds-ots.asyncapi.json"] = asyncapi()
    return {name: json.dumps(document, indent=2, sort_keys=True) + "\n" for name, document in documents.items()}


def main(folder: Path) -> None:
    """Write the files."""
    for name, text in files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
