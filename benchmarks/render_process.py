"""`python -m benchmarks.render_process RENDERS FIRST FACES`: render so many different transcripts on one core.

Writes what the FIRST of them say to FACES, for a peer to set the same. Prints documents per second of the core's time.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from uuid import UUID

from events.identity import StudentIdentified
from events.student import Present, numbered
from events.transcript_content import OfficialTranscript
from events.transcript_of_set import content_of
from schemas.louisiana_sts.labels import Names, labels
from schemas.louisiana_sts.records import STUDENT
from services.generate import Spec
from services.generate.courses import CATALOG, credentials, history
from services.generate.file import Writer, student_fields
from services.ots.document import qr_svg, render
from services.ots.face import checkable, face

NAMES = Names(
    sponsors={"017": "Heron Parish School District"},
    courses={(str(year), code): name for year in range(2021, 2027) for code, name in CATALOG},
)


def transcripts(number: int) -> Iterator[OfficialTranscript]:
    """Seniors with four years of courses, each another one."""
    writer = Writer(Spec(number, sites=4))
    for place in range(number):
        one, _ = writer.draw(place)
        rng = Random(place)
        senior = replace(one, pathway="TU", graduation=date(2026, 5, 14))
        keys = writer.keys(STUDENT, senior)
        state = Present(
            keys | student_fields(senior, "public"),
            numbered([course.fields() for course in history(rng, years=4, bssy=2025, site=one.site)]),
            numbered(list(credentials(rng, years=4, bssy=2025, site=one.site))),
        )
        identity = StudentIdentified(one.first_name, one.last_name, one.middle_name, birth_date=str(one.birth_date))
        content = content_of(state, identity, sector="public", ref=UUID(int=place), labels=labels(), names=NAMES)
        yield OfficialTranscript(content, 0, "7f3a1b2c", place, datetime(2026, 5, 22, 17, 5, 9, tzinfo=UTC))


def main(renders: str, first: str, faces: str) -> None:
    """Render, then report."""
    warm_up, *others = transcripts(int(renders) + 1)
    Path(faces).write_text(json.dumps([face(each, qr_svg(checkable(each))) for each in others[: int(first)]]))
    render(warm_up)
    began = time.process_time()
    for each in others:
        render(each)
    print(json.dumps(len(others) / (time.process_time() - began)))


if __name__ == "__main__":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # before typst starts its threads
    main(*sys.argv[1:])
