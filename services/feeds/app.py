"""The FastStream application of the feeds: its brokers, and the subscriber of `feeds.ots.results`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.message import StreamMessage
from pydantic import ValidationError

from services.feeds.messages import RESULT, Message, RejectedOutside, RenderedOutside, Result
from services.feeds.topics import Feeds

Take = Callable[[RenderedOutside | RejectedOutside], Awaitable[str]]

BACKOFF_SECONDS = 0.5
GRACE_SECONDS = 3.0
"""How long an answer in progress may take to end when the process is told to stop."""

log = structlog.get_logger("ledger.feeds")


@dataclass(frozen=True, slots=True)
class Malformed:
    """A message that is no answer: where it is wrong, and its bytes. What stands there is never told."""

    faults: str
    body: bytes


def make_broker(feeds: Feeds) -> KafkaBroker:
    """Return a broker that sends each message once and in order, and creates no topic.

    It has no logger: FastStream's own lines would carry bodies.
    """
    return KafkaBroker(
        list(feeds.bootstrap),
        acks="all",
        enable_idempotence=True,
        compression_type="zstd",
        allow_auto_create_topics=False,
        graceful_timeout=GRACE_SECONDS,
        apply_types=False,
        logger=None,
    )


async def read_result(message: StreamMessage[Any]) -> RenderedOutside | RejectedOutside | Malformed:
    """Read a body; one that is no answer becomes a value too, so that it can be put aside."""
    body = message.body or b""
    try:
        return RESULT.validate_json(body)
    except ValidationError as error:
        return Malformed(faults_in(error), body)


def faults_in(error: ValidationError) -> str:
    """Name the places and kinds of faults, and no value."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    named = (f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['type']}" for fault in faults)
    return "; ".join(named)[:500]


def subscribe(broker: KafkaBroker, feeds: Feeds, take: Take) -> None:
    """Let a broker hand each answer to `take`, one after the other. What fails is handed over again; nothing is
    skipped.
    """

    @broker.subscriber(
        feeds.results,
        group_id=feeds.group,
        ack_policy=AckPolicy.NACK_ON_ERROR,
        auto_offset_reset="earliest",
        decoder=read_result,
        title=feeds.results,
    )
    async def results(result: Result) -> None:
        """Outside systems answer here what they were sent on `feeds.ots`."""
        try:
            await settle(broker, feeds, take, result)
        except Exception as error:
            log.warning("answer not taken yet", topic=feeds.results, failure=type(error).__name__)
            await asyncio.sleep(BACKOFF_SECONDS)
            raise


async def settle(
    broker: KafkaBroker, feeds: Feeds, take: Take, result: RenderedOutside | RejectedOutside | Malformed
) -> None:
    """Bring one answer to its end: appended, known to be late, or put aside with the reason."""
    if isinstance(result, Malformed):
        await put_aside(broker, feeds, result.body, result.faults)
        return
    outcome = await take(result)
    log.info("answer", topic=feeds.results, outcome=outcome, certified_at=result.certified_at)
    if outcome == "unknown":
        await put_aside(broker, feeds, result.model_dump_json().encode(), "nothing was certified so")


async def put_aside(broker: KafkaBroker, feeds: Feeds, body: bytes, reason: str) -> None:
    """Keep what cannot be taken, with the reason in a header, in the topic for it."""
    log.warning("answer refused", topic=feeds.results, kept_in=feeds.refused, reason=reason)
    await broker.publish(body, feeds.refused, headers={"reason": reason, "content-type": "application/octet-stream"})


def describe_feed(broker: KafkaBroker, feeds: Feeds) -> None:
    """Say for the AsyncAPI document what `feeds.ots` carries."""
    broker.publisher(
        feeds.ots,
        title=feeds.ots,
        description="Each certified transcript and what became of it, in one order, at least once.",
        schema=Message,
    )
