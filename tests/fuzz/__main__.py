"""`python -m tests.fuzz TARGET SECONDS`: fuzz one harness with atheris, from its seeds."""

import importlib
import sys
from pathlib import Path
from typing import Any

FOUND = Path("/tmp/ledger-fuzz")
MEBIBYTES = 1024
SECONDS_AN_INPUT = 10
LONGEST = 4096


def main() -> None:
    """Run until the time is over, an input raises, takes too long or too much memory."""
    target, seconds = sys.argv[1], int(sys.argv[2])
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["schemas", "zipfile", "csv"]):
        targets = importlib.import_module("tests.fuzz.targets")
        seeds = importlib.import_module("tests.fuzz.seeds")
    corpus = FOUND / target
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds.seeds(target)):
        (corpus / f"seed-{number:03d}").write_bytes(seed)
    limits = (f"-max_total_time={seconds}", f"-timeout={SECONDS_AN_INPUT}", f"-rss_limit_mb={MEBIBYTES}")
    options = (f"-max_len={LONGEST}", f"-artifact_prefix={FOUND}/", "-print_final_stats=1")
    atheris.Setup([sys.argv[0], str(corpus), *limits, *options], targets.TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
