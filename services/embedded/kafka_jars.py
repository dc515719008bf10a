"""Apache Kafka's jars: named by deploy/kafka/pom.xml, copied by Maven into a cache outside the tree, once."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

JAVA = 17
INSTALL = "install Java 17 or newer and Maven (Debian: apt install openjdk-17-jre-headless maven), then `make kafka`"
VERSION = re.compile(r"<kafka\.version>([0-9.]+)</kafka\.version>")


class KafkaMissing(Exception):
    """Kafka cannot be run here. The message says in one line what is missing and what to do."""


def fetch() -> Path:
    """Return the folder of the jars; copy them there first if they are not there. Raises KafkaMissing."""
    pom = _pom()
    folder = _folder(pom)
    if _is_complete(folder, pom):
        return folder
    _java()
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaMissing(f"Kafka is not here, as `mvn` is missing: {INSTALL}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as unfinished:
        _copy_jars(maven, pom, Path(unfinished))
        shutil.copy(pom, unfinished)
        _put_in_place(Path(unfinished), folder, pom)
    return folder


def ready() -> tuple[str, Path]:
    """Return the `java` to run and the folder of the jars, without fetching anything. Raises KafkaMissing."""
    java, pom = _java(), _pom()
    folder = _folder(pom)
    if not _is_complete(folder, pom):
        raise KafkaMissing("Kafka's jars are not in the cache: run `make kafka`")
    return java, folder


def _pom() -> Path:
    """Return LEDGER_KAFKA_POM, or the checkout's own file."""
    beside_us = Path(__file__).parents[2] / "deploy" / "kafka" / "pom.xml"
    pom = Path(os.environ.get("LEDGER_KAFKA_POM", beside_us))
    if not pom.is_file():
        raise KafkaMissing(f"there is no {pom}: work in a checkout, or let LEDGER_KAFKA_POM name deploy/kafka/pom.xml")
    return pom


def _folder(pom: Path) -> Path:
    version = VERSION.search(pom.read_text())
    if version is None:
        raise KafkaMissing(f"{pom} names no <kafka.version>: restore the file")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "transcript-ledger" / f"kafka-{version[1]}"


def _is_complete(folder: Path, pom: Path) -> bool:
    """Tell whether the jars are those of this pom: its copy beside them is the last thing that is put there."""
    copy = folder / "pom.xml"
    return copy.is_file() and copy.read_bytes() == pom.read_bytes()


def _java() -> str:
    java = shutil.which("java")
    if java is None:
        raise KafkaMissing(f"Kafka cannot run, as `java` is missing: {INSTALL}")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603 (java)
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < JAVA:
        raise KafkaMissing(f"Kafka cannot run, as {java} is older than Java {JAVA}: {INSTALL}")
    return java


def _copy_jars(maven: str, pom: Path, folder: Path) -> None:
    options = ["-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    command = [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (Maven, on our own pom)
    if done.returncode != 0:
        errors = [line for line in done.stdout.splitlines() if "ERROR" in line] or ["it gave no reason"]
        raise KafkaMissing(f"Maven could not fetch Kafka's jars ({errors[0][:300]}): see that it has a network, repeat")


def _put_in_place(unfinished: Path, folder: Path, pom: Path) -> None:
    """Rename the finished folder into its place, unless another process was faster."""
    if folder.exists() and not _is_complete(folder, pom):
        shutil.rmtree(folder)
    try:
        finished = unfinished / "jars"
        finished.mkdir()
        for file in [path for path in unfinished.iterdir() if path != finished]:
            file.rename(finished / file.name)
        finished.rename(folder)
    except OSError:
        if not _is_complete(folder, pom):
            raise
