"""What `ledger identities`, `certify`, `uncertify` and `certifications` answer as JSON."""

from typing import Any
from uuid import UUID

import msgspec

from projections.certification_queries import Disagreement, SiteRow
from projections.identity_queries import Lacking
from services.cli.answers import Answer


class LoadAnswer(Answer, frozen=True, kw_only=True):
    """A load of the eScholar extract: what it found, and how many identities it stored. `load` repeats it safely."""

    load: UUID
    dry_run: bool
    new: int
    changed: int
    unchanged: int
    stored: int


class ExtractProblems(msgspec.Struct, frozen=True, kw_only=True):
    """A refused extract or table: every fault with its line and column, never the value."""

    file: str
    refused: bool
    problems: tuple[dict[str, Any], ...]


class MissingAnswer(Answer, frozen=True, kw_only=True):
    """Who lacks a social security number, a name or a birth date (R-192). `count` is how many lack something."""

    count: int
    students: tuple[Lacking, ...]


class ShownGraduate(msgspec.Struct, frozen=True, kw_only=True):
    """One graduate as shown. `held_back` are codes for which they are not certified, `will_be_rejected` the OTS's."""

    ref: UUID
    state_id: str
    version: int
    held_back: tuple[str, ...]
    will_be_rejected: tuple[str, ...]
    certified_before: bool


class CertifyAnswer(Answer, frozen=True, kw_only=True):
    """What was shown of a site, and what became of it.

    `outcome` is shown (a dry run), certified, repeated or unchanged; `position` is that of the certifying commit, of a
    dry run or an unchanged list the position as of which was shown.
    """

    site: str
    bssy: str
    outcome: str
    command: UUID | None
    version: int
    certified: int
    held_back: int
    leaving: int
    graduates: tuple[ShownGraduate, ...]


class UncertifyAnswer(Answer, frozen=True, kw_only=True):
    """What became of a withdrawal: withdrawn, repeated or unchanged (no list counted)."""

    site: str
    bssy: str
    outcome: str
    command: UUID
    version: int


class CertificationsAnswer(Answer, frozen=True, kw_only=True):
    """Every public site with graduates or a certification, and who is not certified as they stand."""

    sites: tuple[SiteRow, ...]
    disagreements: tuple[Disagreement, ...]
