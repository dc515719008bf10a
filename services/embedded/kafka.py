"""Fetch Apache Kafka, or run it on loopback: `python -m services.embedded.kafka fetch | run [--nodes 3]`."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from services.embedded.kafka_jars import KAFKA, KafkaMissing
from services.embedded.local_kafka import LocalKafka


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, or 1 where Kafka is missing and that is not to be passed over."""
    options = _parser().parse_args(arguments)
    if options.command == "run":
        return asyncio.run(_run(options.nodes, options.folder))
    return KAFKA.fetch_and_tell()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.embedded.kafka", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch", help="copy the jars into the cache, by Maven; does nothing if they are there")
    run = commands.add_parser("run", help="run Kafka in the foreground and print its addresses")
    run.add_argument("--nodes", type=int, choices=(1, 3), default=1)
    run.add_argument("--folder", type=Path, help="keep its data here (without this they end with it)")
    return parser


async def _run(nodes: int, folder: Path | None) -> int:
    asked_to_end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_end.set)
    try:
        async with LocalKafka(nodes, folder) as kafka:
            _say(",".join(kafka.bootstrap))
            await asked_to_end.wait()
    except KafkaMissing as missing:
        _say(f"ERROR: {missing}")
        return 1
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
