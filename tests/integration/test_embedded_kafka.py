"""The local Kafka: started, ended, kept in a folder, never left behind; and how it comes to its jars."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from events.log.kafka import KafkaLog
from services.embedded import kafka, kafka_jars
from services.embedded.kafka_jars import KafkaMissing
from services.embedded.local_kafka import HOST, LocalKafka
from tests.support import kafka as kafka_support
from tests.support.logs import read_all

POM = "<project><properties><kafka.version>9.9.9</kafka.version></properties></project>"
FAKE_JAVA = "#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n"
FAKE_MAVEN = """#!/bin/sh
echo run >> "$XDG_CACHE_HOME/runs"
for argument; do
  case $argument in -DoutputDirectory=*) touch "${argument#-DoutputDirectory=}/kafka.jar";; esac
done
"""
FAILING_MAVEN = "#!/bin/sh\necho '[ERROR] Could not transfer artifact'\nexit 1\n"

Tool = Callable[[str, str], None]


def nodes_below(folder: Path) -> list[psutil.Process]:
    """Return the running Kafka nodes whose files lie in the folder."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if "kafka.Kafka" in (process.info["cmdline"] or ()) and process.info["cmdline"][-1].startswith(str(folder))
    ]


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


@pytest.fixture
def need_kafka(pytestconfig: pytest.Config) -> None:
    kafka_support.need_kafka(pytestconfig)


# The cluster


@pytest.mark.kafka
async def test_a_cluster_kept_in_a_folder_is_found_again_as_it_was(need_kafka: None, tmp_path: Path) -> None:
    async with LocalKafka(folder=tmp_path) as first:
        log = await KafkaLog.open(first.bootstrap, "kept", replication=1, min_insync=1)
        await log.append(b"record")
        await log.close()
    assert not nodes_below(tmp_path)
    async with LocalKafka(folder=tmp_path) as second:
        assert second.bootstrap == first.bootstrap
        log = await KafkaLog.open(second.bootstrap, "kept", replication=1, min_insync=1, create=False)
        assert [record.data for record in await read_all(log)] == [b"record"]
        await log.close()


@pytest.mark.kafka
async def test_a_temporary_cluster_leaves_neither_process_nor_folder(need_kafka: None) -> None:
    async with LocalKafka() as cluster:
        assert len(nodes_below(cluster.folder)) == 1
        assert answers(cluster.nodes[0].client)
    assert not nodes_below(cluster.folder)
    assert not cluster.folder.exists()
    await cluster.stop()


@contextmanager
def kafka_in_the_foreground() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run `python -m services.embedded.kafka run` and give the port that it prints."""
    command = [sys.executable, "-m", "services.embedded.kafka", "run", "--nodes", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        try:
            assert owner.stdout is not None
            yield owner, int(owner.stdout.readline().rpartition(":")[2])
        finally:
            owner.kill()


@pytest.mark.kafka
def test_a_killed_owner_leaves_neither_process_nor_folder(need_kafka: None) -> None:
    with kafka_in_the_foreground() as (owner, port):
        children = psutil.Process(owner.pid).children()
        [node] = [each for each in children if "kafka.Kafka" in each.cmdline()]
        folder = Path(node.cmdline()[-1]).parents[1]
        assert folder.exists()
        owner.kill()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive
    assert not answers(port)
    assert not folder.exists()


@pytest.mark.kafka
def test_kafka_in_the_foreground_ends_when_asked(need_kafka: None) -> None:
    with kafka_in_the_foreground() as (owner, port):
        assert answers(port)
        owner.send_signal(signal.SIGINT)
        assert owner.wait(30) == 0
    assert not answers(port)


# The jars


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tool:
    """Puts programs of our own on an otherwise empty PATH; cache and pom are the test's own too."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (tmp_path / "cache").mkdir()
    (tmp_path / "pom.xml").write_text(POM)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LEDGER_KAFKA_POM", str(tmp_path / "pom.xml"))
    monkeypatch.delenv("CI", raising=False)

    def put(name: str, script: str) -> None:
        (programs / name).write_text(script.replace("touch ", "/usr/bin/touch "))
        (programs / name).chmod(stat.S_IRWXU)

    return put


def test_jars_are_fetched_once_and_again_only_for_another_pom(tool: Tool, tmp_path: Path) -> None:
    tool("java", FAKE_JAVA.format(version="17.0.1"))
    tool("mvn", FAKE_MAVEN)
    folder = tmp_path / "cache" / "transcript-ledger" / "kafka-9.9.9"
    assert kafka_jars.fetch() == kafka_jars.fetch() == folder
    assert (tmp_path / "cache" / "runs").read_text() == "run\n"
    assert kafka_jars.ready() == (str(tmp_path / "bin" / "java"), folder)
    (tmp_path / "pom.xml").write_text(POM + "<!-- another logging binding -->")
    with pytest.raises(KafkaMissing, match="run `make kafka`"):
        kafka_jars.ready()
    assert kafka_jars.fetch() == folder
    assert (tmp_path / "cache" / "runs").read_text() == "run\nrun\n"
    assert sorted(path.name for path in folder.iterdir()) == ["kafka.jar", "pom.xml"]
    assert [path.name for path in folder.parent.iterdir()] == ["kafka-9.9.9"]


def test_a_failed_fetch_leaves_nothing_that_looks_complete(tool: Tool, tmp_path: Path) -> None:
    tool("java", FAKE_JAVA.format(version="21"))
    tool("mvn", FAILING_MAVEN)
    with pytest.raises(KafkaMissing, match="Could not transfer artifact"):
        kafka_jars.fetch()
    assert list((tmp_path / "cache" / "transcript-ledger").iterdir()) == []
    with pytest.raises(KafkaMissing, match="not in the cache"):
        kafka_jars.ready()


@pytest.mark.parametrize(
    ("programs", "why"),
    [
        ({}, "`java` is missing: install Java 17 or newer and Maven"),
        ({"java": FAKE_JAVA.format(version="11.0.2")}, "is older than Java 17: install Java 17"),
        ({"java": FAKE_JAVA.format(version="17.0.1")}, "`mvn` is missing: install Java 17 or newer and Maven"),
    ],
    ids=["no Java", "old Java", "no Maven"],
)
def test_what_is_missing_is_one_loud_line_and_an_error_in_ci(
    tool: Tool,
    programs: dict[str, str],
    why: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, script in programs.items():
        tool(name, script)
    assert kafka.main(["fetch"]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("WARNING: THE KAFKA TESTS WILL BE SKIPPED: ")
    assert why in line
    monkeypatch.setenv("CI", "true")
    assert kafka.main(["fetch"]) == 1
    assert capsys.readouterr().out.startswith("ERROR: ")


def test_running_without_jars_says_what_to_do(tool: Tool, capsys: pytest.CaptureFixture[str]) -> None:
    tool("java", FAKE_JAVA.format(version="17.0.1"))
    assert kafka.main(["run"]) == 1
    assert "run `make kafka`" in capsys.readouterr().out


def test_the_checkouts_own_pom_names_the_version_and_no_host() -> None:
    pom = (Path(kafka_jars.__file__).parents[2] / "deploy" / "kafka" / "pom.xml").read_text()
    assert kafka_jars.VERSION.search(pom)
    assert "//" not in pom
    assert os.environ.get("LEDGER_KAFKA_POM") is None


NESTED = """
import pytest

@pytest.mark.kafka
def test_needs_kafka(kafka_bootstrap: list[str]) -> None:
    raise AssertionError("must not run")

def test_needs_none() -> None:
    pass
"""


@pytest.mark.parametrize(("in_ci", "code"), [("", 0), ("true", 1)], ids=["at home", "in CI"])
def test_kafka_tests_are_skipped_loudly_at_home_and_fail_in_ci(tmp_path: Path, in_ci: str, code: int) -> None:
    """A whole pytest run on the real conftest, on a PATH without Java."""
    (tmp_path / "test_nested.py").write_text(NESTED)
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path), "CI": in_ci, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider", "-c"]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*command, str(root / "pyproject.toml"), "--rootdir", str(tmp_path), str(tmp_path / "test_nested.py")],
        env=environment, cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    if in_ci:
        assert "CI must not pass without them" in done.stdout + done.stderr
    else:
        assert "THE KAFKA TESTS WERE SKIPPED: Kafka cannot run, as `java` is missing" in done.stdout
        assert "1 passed, 1 skipped" in done.stdout
