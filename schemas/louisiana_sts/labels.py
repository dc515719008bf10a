"""What codes mean in words, for a reader of a transcript: fixed labels, and names from reference tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from schemas.louisiana_sts.records import toml

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
    """Names that reference tables give to codes; a code that is missing has no known name."""

    sponsors: Words = field(default_factory=dict)
    sites: Words = field(default_factory=dict)
    courses: Words = field(default_factory=dict)
    credentials: Words = field(default_factory=dict)


NO_NAMES = Names()


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
