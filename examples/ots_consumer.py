"""An outside consumer of `feeds.ots`: prints one line a message, and notices gaps and repeats.

    python examples/ots_consumer.py localhost:9092 [TOPIC]

No line holds anything of a person. To answer, publish on `feeds.ots.results` (docs/reference/feeds-ots.asyncapi.json).
"""

import asyncio
import sys
from dataclasses import dataclass, field

from faststream import FastStream
from faststream.kafka import KafkaBroker, KafkaMessage


@dataclass
class Progress:
    """What has come so far. A real consumer keeps this with what it makes of the messages."""

    next: int = 0
    ids: dict[int, str] = field(default_factory=dict)

    def judge(self, sequence: int, event_id: str) -> str:
        """Say whether a message is new, a repeat, or comes after a gap. The first one may have any number."""
        if sequence in self.ids:
            return "repeat" if self.ids[sequence] == event_id else "CONFLICT: another event under this number"
        self.ids[sequence] = event_id
        expected, self.next = self.next or sequence, max(self.next, sequence + 1)
        return "new" if sequence == expected else f"GAP: expected {expected}"


def make_app(servers: list[str], topic: str = "feeds.ots") -> FastStream:
    """Return the application. Without a group it reads all that the topic keeps, each time anew."""
    broker, progress = KafkaBroker(servers, logger=None, allow_auto_create_topics=False), Progress()

    @broker.subscriber(topic, auto_offset_reset="earliest")
    async def hear(message: KafkaMessage) -> None:
        said = message.headers
        kind = said["ce_type"].rsplit(".", 1)[1]
        judged = progress.judge(int(said["ce_sequence"]), said["ce_id"])
        print(f"{said['ce_sequence']:>6}  {kind:<9}  {said['ce_id']}  {judged}", flush=True)

    return FastStream(broker, logger=None)


if __name__ == "__main__":
    asyncio.run(make_app(sys.argv[1].split(","), *sys.argv[2:3]).run())
