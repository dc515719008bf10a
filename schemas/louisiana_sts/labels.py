"""What codes mean in words, for a reader of a transcript: fixed labels, and names from reference tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from schemas.louisiana_sts.records import toml
from schemas.reference import ReferenceTable

Words = Mapping[str, str]

ENDORSEMENTS = (
    "academic_endorsement_code",
    "career_tech_endorsement_code",
    "community_service_endorsement",
    "state_seal_of_biliteracy_endorsement",
)
"""The fields of a 020 that hold an endorsement or seal, in the order of a transcript."""


@dataclass(frozen=True, slots=True)
class Names:
    """Names that reference tables give to codes; a code that is missing has no known name.

    A course is named by BSSY and code: what a code means depends on the year in which the course was taken.
    """

    sponsors: Words = field(default_factory=dict)
    sites: Words = field(default_factory=dict)
    courses: Mapping[tuple[str, str], str] = field(default_factory=dict)
    credentials: Words = field(default_factory=dict)


NO_NAMES = Names()
NAMING_TABLES = ("sponsors", "sites", "courses", "credentials")


def names_from(tables: Mapping[str, ReferenceTable]) -> Names:
    """Return the names that the reference tables give; a table that is missing names nothing."""
    rows = {name: tables[name].rows if name in tables else () for name in NAMING_TABLES}
    return Names(
        sponsors={row["sponsor_code"]: row["name"] for row in rows["sponsors"]},
        sites={row["site_code"]: row["name"] for row in rows["sites"]},
        courses={(row["bssy"], row["course_code"]): row["description"] for row in rows["courses"]},
        credentials={row["ibc_code"]: row["description"] for row in rows["credentials"]},
    )


@dataclass(frozen=True, slots=True)
class Labels:
    """The words of one state system. `endorsements` has the codes of each field; "title" there is the field's own."""

    state: str
    department: str
    pathways: Words
    career_options: Words
    course_types: Words
    assessments: Words
    terms: Words
    endorsements: Mapping[str, Words]


@cache
def labels() -> Labels:
    """The labels of Louisiana (transcript_labels.toml, career_options.toml)."""
    words, options = toml("transcript_labels.toml"), toml("career_options.toml")
    careers = [*options["area_of_concentration"], *options["jump_start_pathway"]]
    return Labels(
        state=words["state"],
        department=words["department"],
        pathways=words["pathway"],
        career_options={row["code"]: row["name"] for row in careers},
        course_types=words["course_type"],
        assessments=words["assessments"],
        terms=words["semester_ibc_earned"],
        endorsements={field: words[field] for field in ENDORSEMENTS},
    )
