"""The eScholar extract of a generated public sponsor: who its students are, the same for the same seed."""

import csv
import io
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from random import Random

from schemas.louisiana_sts.escholar import columns
from schemas.louisiana_sts.records import RACE_FLAGS
from services.generate.file import Canaries, Spec, Writer
from services.generate.people import Person

SUFFIXES = ("", "", "", "", "", "", "", "Jr", "III")
MISSING = 0.04
"""Share of students whose SSN is missing, and share whose birth date is."""

INVENTED = 99 * 9_999
"""How many numbers 666-01-0001 to 666-99-9999 are."""


class GeneratedExtract:
    """The extract that goes with `GeneratedFile(spec)`. Raises ValueError for nonpublic students: it has none."""

    def __init__(self, spec: Spec) -> None:
        if spec.layout != "public":
            raise ValueError(
                "the eScholar extract holds public students; a nonpublic 020 says itself who its student is"
            )
        if spec.students > INVENTED:
            raise ValueError(f"there are {INVENTED:,} invented social security numbers, not more")
        self.spec = spec
        self.writer = Writer(spec)

    def rows(self) -> Iterator[dict[str, str]]:
        """Yield a row a student, by column."""
        return (self.row(self.writer.person(number)) for number in range(self.spec.students))

    def row(self, one: Person) -> dict[str, str]:
        """Return who one student is."""
        rng = Random(f"{self.spec.seed}/{one.number}/extract")  # noqa: S311 - reproducible test data, no secret
        has_ssn, has_birth_date = rng.random() >= MISSING, rng.random() >= MISSING
        return {
            "state_identification_number": one.state_id,
            "first_name": one.first_name,
            "middle_name": one.middle_name,
            "last_name": one.last_name,
            "suffix_name": rng.choice(SUFFIXES),
            "birth_date": one.birth_date.isoformat() if has_birth_date else "",
            "social_security_number": invented_ssn(one.number, self.spec.seed) if has_ssn else "",
            "sex_code": one.sex,
            **{flag: "Y" if flag in one.races else "N" for flag in RACE_FLAGS},
        }

    @cached_property
    def data(self) -> bytes:
        """The file's bytes."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, columns(), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(self.rows())
        return text.getvalue().encode()

    def write(self, path: Path) -> None:
        """Write the file."""
        path.write_bytes(self.data)

    @cached_property
    def canaries(self) -> Canaries:
        """Personal data of the file as it stands there."""
        rows = list(self.rows())
        return Canaries(
            names=tuple(row[name] for row in rows for name in ("first_name", "middle_name", "last_name")),
            birth_dates=tuple(row["birth_date"] for row in rows if row["birth_date"]),
            state_ids=tuple(row["state_identification_number"] for row in rows)
            + tuple(row["social_security_number"] for row in rows if row["social_security_number"]),
        )


def invented_ssn(number: int, seed: int) -> str:
    """A distinct number for each student, in the range 666 in which none is issued, with no group of zeros."""
    place = (number * 618_031 + seed * 7_919) % INVENTED  # the multiplier shares no factor with the modulus
    return f"666{place // 9_999 + 1:02d}{place % 9_999 + 1:04d}"
