"""veraPDF, which judges whether a document is PDF/A and PDF/UA: `python -m services.embedded.verapdf fetch`.

Its jars are named by deploy/verapdf/pom.xml and copied by Maven into a cache outside the tree, once. The ledger itself
does without it: the tests ask it, and so may whoever doubts an archived document.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from services.embedded.maven_jars import Jars, JarsMissing

Flavour = Literal["2a", "ua1"]
PROGRAM = "org.verapdf.apps.GreenfieldCliWrapper"


class VerapdfMissing(JarsMissing):
    """veraPDF cannot be run here. The message says in one line what is missing and what to do."""


VERAPDF = Jars("verapdf", "veraPDF", VerapdfMissing)


def failures(files: Sequence[Path], flavour: Flavour) -> list[str]:
    """Return veraPDF's lines on the files that do not conform, none where all do. Raises VerapdfMissing.

    Takes two seconds and a few tenths a file.
    """
    java, jars = VERAPDF.ready()
    options = ["-Xmx512m", f"-Dbasedir={jars}", "-cp", f"{jars}/*", PROGRAM, "--format", "text", "-f", flavour]
    command = [java, *options, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (java, our own files)
    lines = done.stdout.splitlines()
    silent = [file for file in files if not any(str(file) in line for line in lines)]
    return [line for line in lines if not line.startswith("PASS ")] + [f"no verdict on {file}" for file in silent]


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, or 1 where veraPDF is missing and that is not to be passed over."""
    parser = argparse.ArgumentParser(prog="python -m services.embedded.verapdf", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch", help="copy the jars into the cache, by Maven; does nothing if they are there")
    parser.parse_args(arguments)
    return VERAPDF.fetch_and_tell()


if __name__ == "__main__":
    sys.exit(main())
