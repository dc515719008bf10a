"""Real Apache Kafka on loopback: one KRaft node or three, started as child processes and ended with us.

A node listens four times: for clients, for the other nodes, for controllers, and once more for clients that come
through a fault proxy. The last one advertises a port on which nobody listens until a test puts a proxy there.
"""

import asyncio
import base64
import json
import secrets
import signal
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from services.embedded import kafka_jars
from services.embedded.watchdog import Watchdog

HOST = "127.0.0.1"
PATIENCE = 90.0
"""Seconds for all nodes to get ready on a busy machine (three need ten on two idle cores)."""
GRACE = 20.0
"""Seconds for a node to end by itself before it is killed."""
LOGGING = """
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c{1}: %m%n
rootLogger.level = INFO
rootLogger.appenderRef.out.ref = out
"""


class KafkaFailed(Exception):
    """A node did not start. The message ends with its last lines of output."""


def _free_port() -> int:
    """Find a free port below the range the system gives to outgoing connections: it stays free for a restart."""
    while True:
        port = 10_000 + secrets.randbelow(22_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HOST, port))
            return port


def _random_id() -> str:
    """Make a UUID as Kafka writes it. It must be random: small ones are reserved, and the nodes then hang mutely.

    One that begins with a dash would be taken for an option of the command line.
    """
    while True:
        made = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        if not made.startswith("-"):
            return made


@dataclass(frozen=True)
class Node:
    """A node's number, its directory id, and its ports: what must stay the same when it is started again."""

    number: int
    directory: str = field(default_factory=_random_id)
    client: int = field(default_factory=_free_port)
    internal: int = field(default_factory=_free_port)
    controller: int = field(default_factory=_free_port)
    proxied: int = field(default_factory=_free_port)
    proxy: int = field(default_factory=_free_port)

    @property
    def voter(self) -> str:
        return f"{self.number}@{HOST}:{self.controller}:{self.directory}"


@dataclass(frozen=True)
class Cluster:
    """What the nodes of one cluster have in common; kept in the folder as cluster.json."""

    nodes: tuple[Node, ...]
    id: str = field(default_factory=_random_id)

    def settings(self, node: Node, folder: Path, more: Mapping[str, str]) -> dict[str, str]:
        """Return a node's server.properties."""
        copies = str(min(3, len(self.nodes)))
        names = ("CLIENT", "INTERNAL", "CONTROLLER", "PROXIED")
        listening = zip(names, (node.client, node.internal, node.controller, node.proxied), strict=True)
        advertised = zip(names, (node.client, node.internal, node.controller, node.proxy), strict=True)
        return {
            "process.roles": "broker,controller",
            "node.id": str(node.number),
            "controller.quorum.bootstrap.servers": ",".join(f"{HOST}:{each.controller}" for each in self.nodes),
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "INTERNAL",
            "listeners": ",".join(f"{name}://{HOST}:{port}" for name, port in listening),
            "advertised.listeners": ",".join(f"{name}://{HOST}:{port}" for name, port in advertised),
            "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in names),
            "log.dirs": str(folder / "data"),
            "auto.create.topics.enable": "false",
            # A killed node is missed, and may come back, after this long; 9 s is meant for networks.
            "broker.session.timeout.ms": "4000",
            "broker.heartbeat.interval.ms": "500",
            "group.initial.rebalance.delay.ms": "0",
            "offsets.topic.num.partitions": "1",
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.num.partitions": "1",
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": "1",
            **more,
        }


class LocalKafka:
    """One cluster, from `async with` to its end. Without a folder of its own it lies in a temporary one.

    A folder that held a cluster before is started again as it was, ports included. `settings` are added to every
    node's server.properties. Nodes are numbered from 1.
    """

    def __init__(self, nodes: int = 1, folder: Path | None = None, settings: Mapping[str, str] | None = None) -> None:
        self._java, self._jars = kafka_jars.ready()
        self._keeps = folder is not None
        self.folder = (folder or Path(tempfile.mkdtemp(prefix="ledger-kafka-"))).absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._cluster = _load_or_make(self.folder / "cluster.json", nodes)
        self._settings = settings or {}
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._watchdog = Watchdog(*([] if self._keeps else [self.folder]))

    @property
    def nodes(self) -> tuple[Node, ...]:
        return self._cluster.nodes

    @property
    def bootstrap(self) -> list[str]:
        """The addresses for clients."""
        return [f"{HOST}:{node.client}" for node in self.nodes]

    @property
    def proxied_bootstrap(self) -> list[str]:
        """The addresses for clients that come through proxies, listening on each `node.proxy` for `node.proxied`."""
        return [f"{HOST}:{node.proxy}" for node in self.nodes]

    async def start(self) -> None:
        """Format what is new, start all nodes, and wait until clients can use them. Raises KafkaFailed."""
        await asyncio.gather(*(asyncio.to_thread(self._format, node) for node in self.nodes))
        for node in self.nodes:
            self._launch(node)
        await asyncio.gather(*(self._ready(node) for node in self.nodes))

    async def stop(self) -> None:
        """End all nodes; remove the folder if it is a temporary one. Safe to call twice."""
        if self._keeps:
            await asyncio.gather(*(self.stop_node(number) for number in list(self._running)))
        for number in list(self._running):
            await self.kill(number)
        await asyncio.to_thread(self._watchdog.close)

    async def kill(self, number: int) -> None:
        """Kill a node (SIGKILL): what it had not written is lost."""
        await self._end(number, signal.SIGKILL)

    async def stop_node(self, number: int) -> None:
        """Ask a node to end (SIGTERM), and kill it after a while if it does not."""
        await self._end(number, signal.SIGTERM)

    def pause(self, number: int) -> None:
        """Stop a node's clock (SIGSTOP): its connections stay open and say nothing."""
        self._running[number].send_signal(signal.SIGSTOP)

    def resume(self, number: int) -> None:
        """Let a paused node go on."""
        self._running[number].send_signal(signal.SIGCONT)

    async def restart(self, number: int) -> None:
        """Start a node again on its old data and ports; end it first if it runs."""
        if number in self._running:
            await self.stop_node(number)
        node = self.nodes[number - 1]
        self._launch(node)
        await self._ready(node)

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _format(self, node: Node) -> None:
        folder = self._node_folder(node)
        folder.mkdir(exist_ok=True)
        settings = self._cluster.settings(node, folder, self._settings)
        (folder / "server.properties").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        (folder / "log4j2.properties").write_text(LOGGING)
        if (folder / "data" / "meta.properties").exists():
            return
        voters = ",".join(each.voter for each in self.nodes)
        tool = [*self._java_command("256m", node), "kafka.tools.StorageTool", "format", "-t", self._cluster.id]
        command = [*tool, "--initial-controllers", voters, "-c", str(folder / "server.properties")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (java, our own files)
        if done.returncode != 0:
            raise KafkaFailed(f"Kafka could not format {folder}: {done.stdout[-1000:]}{done.stderr[-1000:]}")

    def _launch(self, node: Node) -> None:
        folder = self._node_folder(node)
        heap = "512m" if len(self.nodes) == 1 else "384m"
        with (folder / "server.out").open("ab") as out:
            process = subprocess.Popen(  # noqa: S603 (java, our own files)
                [*self._java_command(heap, node), "kafka.Kafka", str(folder / "server.properties")],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self._watchdog.watch(process.pid)
        self._running[node.number] = process

    def _java_command(self, heap: str, node: Node) -> list[str]:
        logging = f"-Dlog4j2.configurationFile=file:{self._node_folder(node) / 'log4j2.properties'}"
        return [self._java, f"-Xmx{heap}", "-XX:+UseSerialGC", logging, "-cp", f"{self._jars}/*"]

    async def _ready(self, node: Node) -> None:
        """Wait until the node listens for clients, which it does once it is part of the cluster."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not await _listens(node.client):
                    if self._running[node.number].poll() is not None:
                        raise KafkaFailed(f"Kafka's node {node.number} ended at its start:\n{self._last_lines(node)}")
                    await asyncio.sleep(0.05)
        except TimeoutError:
            last = self._last_lines(node)
            raise KafkaFailed(f"Kafka's node {node.number} was not ready in {PATIENCE:.0f} s:\n{last}") from None

    async def _end(self, number: int, how: signal.Signals) -> None:
        process = self._running.pop(number)
        process.send_signal(how)
        try:
            await asyncio.to_thread(process.wait, GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)
        self._watchdog.forget(process.pid)

    def _node_folder(self, node: Node) -> Path:
        return self.folder / f"node{node.number}"

    def _last_lines(self, node: Node) -> str:
        return (self._node_folder(node) / "server.out").read_text(errors="replace")[-2000:]


def _load_or_make(file: Path, nodes: int) -> Cluster:
    if file.exists():
        kept = json.loads(file.read_text())
        return Cluster(tuple(Node(**node) for node in kept["nodes"]), kept["id"])
    cluster = Cluster(tuple(Node(number) for number in range(1, nodes + 1)))
    file.write_text(json.dumps(asdict(cluster)))
    return cluster


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    return True
