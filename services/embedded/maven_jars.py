"""Java programs of others: named by deploy/<name>/pom.xml, copied by Maven into a cache outside the tree, once."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

JAVA = 17
INSTALL = "install Java 17 or newer and Maven (Debian: apt install openjdk-17-jre-headless maven), then `make {}`"


class JarsMissing(Exception):
    """The program cannot be run here. The message says in one line what is missing and what to do."""


@dataclass(frozen=True)
class Jars:
    """One program: `name` is its folder in deploy/, its make target and its version's property in the pom."""

    name: str
    title: str
    missing: type[JarsMissing] = JarsMissing

    def fetch(self) -> Path:
        """Return the folder of the jars; copy them there first if they are not there. Raises `missing`."""
        pom = self.pom()
        folder = self.folder(pom)
        if _is_complete(folder, pom):
            return folder
        self.java()
        maven = shutil.which("mvn")
        if maven is None:
            raise self.missing(f"{self.title} is not here, as `mvn` is missing: {self.install}")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as unfinished:
            self.copy_jars(maven, pom, Path(unfinished))
            shutil.copy(pom, unfinished)
            _put_in_place(Path(unfinished), folder, pom)
        return folder

    def ready(self) -> tuple[str, Path]:
        """Return the `java` to run and the folder of the jars, without fetching anything. Raises `missing`."""
        java, pom = self.java(), self.pom()
        folder = self.folder(pom)
        if not _is_complete(folder, pom):
            raise self.missing(f"{self.title}'s jars are not in the cache: run `make {self.name}`")
        return java, folder

    def fetch_and_tell(self) -> int:
        """Fetch, and say so. Where Java or Maven is missing: one loud line, and in CI the exit code 1."""
        try:
            line, code = f"{self.title}'s jars are in {self.fetch()}", 0
        except JarsMissing as missing:
            code = int(os.environ.get("CI") == "true")
            skipped = f"WARNING: THE {self.title.upper()} TESTS WILL BE SKIPPED"
            line = f"{'ERROR' if code else skipped}: {missing}"
        sys.stdout.write(line + "\n")
        return code

    @property
    def install(self) -> str:
        return INSTALL.format(self.name)

    @property
    def version(self) -> re.Pattern[str]:
        """Finds the version in the pom."""
        return re.compile(rf"<{self.name}\.version>([0-9.]+)</{self.name}\.version>")

    def pom(self) -> Path:
        """Return LEDGER_<NAME>_POM, or the checkout's own file."""
        variable = f"LEDGER_{self.name.upper()}_POM"
        beside_us = Path(__file__).parents[2] / "deploy" / self.name / "pom.xml"
        pom = Path(os.environ.get(variable, beside_us))
        if not pom.is_file():
            raise self.missing(
                f"there is no {pom}: work in a checkout, or let {variable} name deploy/{self.name}/pom.xml"
            )
        return pom

    def folder(self, pom: Path) -> Path:
        """Return where the jars lie in the cache."""
        version = self.version.search(pom.read_text())
        if version is None:
            raise self.missing(f"{pom} names no <{self.name}.version>: restore the file")
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return cache / "transcript-ledger" / f"{self.name}-{version[1]}"

    def java(self) -> str:
        """Return the `java` to run."""
        java = shutil.which("java")
        if java is None:
            raise self.missing(f"{self.title} cannot run, as `java` is missing: {self.install}")
        said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603 (java)
        version = re.search(r'version "(\d+)', said)
        if version is None or int(version[1]) < JAVA:
            raise self.missing(f"{self.title} cannot run, as {java} is older than Java {JAVA}: {self.install}")
        return java

    def copy_jars(self, maven: str, pom: Path, folder: Path) -> None:
        """Let Maven copy what the pom names."""
        options = ["-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
        command = [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (Maven, on our own pom)
        if done.returncode != 0:
            errors = [line for line in done.stdout.splitlines() if "ERROR" in line] or ["it gave no reason"]
            raise self.missing(
                f"Maven could not fetch {self.title}'s jars ({errors[0][:300]}): see that it has a network, repeat"
            )


def _is_complete(folder: Path, pom: Path) -> bool:
    """Tell whether the jars are those of this pom: its copy beside them is the last thing that is put there."""
    copy = folder / "pom.xml"
    return copy.is_file() and copy.read_bytes() == pom.read_bytes()


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
