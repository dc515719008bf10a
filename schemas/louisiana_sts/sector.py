"""Telling a public from a nonpublic file by the shape of its records.

The two layouts differ by one column from the state id on, so three places decide: a 030 carries its semester code
(B1, S2, Y1 ...) in columns 35-36 or 34-35; a 020 carries its site code, which starts with the sponsor code, from
column 33 or 32; a nonpublic 050 ends its id with a blank. Each of the first records votes at most once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from schemas.layout import Variant, load_layout
from schemas.louisiana_sts.records import COURSE, CREDENTIAL, STUDENT

SAMPLE = 1000


@dataclass(frozen=True, slots=True)
class Told:
    """The sector, how many records fitted it and how many the other one; both are 0 where nothing tells."""

    variant: Variant
    fitting: int
    against: int

    @property
    def certain(self) -> bool:
        return self.fitting > 0


def tell(lines: Iterable[bytes]) -> Told:
    """The sector that most of the first records fit; public where none tells."""
    votes = [vote for vote in map(vote_of, islice(lines, SAMPLE)) if vote]
    public, nonpublic = votes.count("public"), votes.count("nonpublic")
    return Told("nonpublic", nonpublic, public) if nonpublic > public else Told("public", public, nonpublic)


def vote_of(line: bytes) -> Variant | None:
    match line[3:6].decode("latin-1"):
        case "020":
            return chosen(starts_with_sponsor(line, "public"), starts_with_sponsor(line, "nonpublic"))
        case "030":
            return chosen(has_semester(line, "public"), has_semester(line, "nonpublic"))
        case "050":
            state_id = line[load_layout("nonpublic")[CREDENTIAL]["state_identification_number"].span]
            return "nonpublic" if state_id[:9].isdigit() and state_id[9:] == b" " else None
    return None


def chosen(public: bool, nonpublic: bool) -> Variant | None:
    if public == nonpublic:
        return None
    return "public" if public else "nonpublic"


def starts_with_sponsor(line: bytes, variant: Variant) -> bool:
    student = load_layout(variant)[STUDENT]
    return line[student["site_code"].span].startswith(line[student["sponsor_code"].span])


def has_semester(line: bytes, variant: Variant) -> bool:
    semester = load_layout(variant)[COURSE]["semester_code"]
    return line[semester.span].decode("latin-1") in semester.values
