"""`ledger certify`, `uncertify` and `certifications`: a site's graduates are complete and right, says a person."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from services.cli.errors import CommandRefused, ExitCode
from services.cli.options import AsJson, CommandId

if TYPE_CHECKING:
    from services.certifying import Candidate, Shown
    from services.cli.certify_answers import CertificationsAnswer, CertifyAnswer, UncertifyAnswer
    from services.cli.session import Session
    from services.commands import Stored, Unchanged
    from services.ledger import Ledger

Site = Annotated[str, typer.Argument(metavar="SITE", help="Site code, six characters.")]
CurrentBssy = Annotated[
    str | None, typer.Option("--bssy", metavar="YEAR", help="School year; without it, the current one.")
]


def certify(
    site: Site,
    bssy: CurrentBssy = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show, and certify nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Certify what is shown without asking.")] = False,
    command_id: CommandId = None,
    as_json: AsJson = False,
) -> None:
    """Certify a site's graduates: show who they are, ask, then append exactly what was shown.

    Whoever is edited after the showing is certified as shown, does not agree with the list any more, and makes the
    site need recertification. Public and charter sites only, and only in the current school year unless its
    collection is open or a prior-year grant is held.

    Exit status: 0 certified; 1 certified, and some graduates are held back; 2 refused or not confirmed; 3 the site was
    certified or withdrawn meanwhile; 75 outcome unknown: repeat with the same --command-id.
    """
    from uuid import uuid4

    from services.cli.session import with_ledger

    if as_json and not (yes or dry_run):
        raise CommandRefused("--json does not ask: add --yes or --dry-run.")
    command = command_id or uuid4()

    async def look(ledger: "Ledger", session: "Session") -> "CertifyAnswer | tuple[str, Shown]":
        from services.certifying import current_bssy, show

        year = bssy or current_bssy(ledger.today())
        if answer := await answer_again(ledger, site, year, command_id):
            return answer
        shown = await show(ledger, site, year)
        if not as_json:
            print_shown(ledger.short_id, shown)
        if dry_run:
            return shown_answer(ledger, shown)
        return await carry_out(ledger, session, shown, command) if yes else (ledger.short_id, shown)

    answer = with_ledger(look)
    if isinstance(answer, tuple):
        shown = answer[1]
        confirm(shown)
        answer = with_ledger(lambda ledger, session: carry_out(ledger, session, shown, command))
    show_certified(answer, as_json=as_json)
    raise typer.Exit(ExitCode.PROBLEMS if answer.held_back else ExitCode.DONE)


def confirm(shown: "Shown") -> None:
    """Ask. The ledger is closed meanwhile: what is appended afterwards is what was shown."""
    import sys

    if not sys.stdin.isatty():
        raise CommandRefused("nobody can be asked here: add --yes to certify what is shown, or --dry-run.")
    if not typer.confirm(f"Certify {len(shown.graduates):,} graduates of site {shown.site}, {shown.bssy}?", err=True):
        raise CommandRefused("not confirmed, so nothing was certified.")


async def answer_again(ledger: "Ledger", site: str, bssy: str, command_id: UUID | None) -> "CertifyAnswer | None":
    """Answer a repeated command as before; None where it did not stand yet."""
    from services.certifying import repeated

    if command_id is None:
        return None
    await ledger.caught_up()  # the sending before may lie in the log since this moment
    stood = await repeated(ledger, site, bssy, command_id)
    return repeated_answer(ledger, site, bssy, stood) if stood else None


def repeated_answer(ledger: "Ledger", site: str, bssy: str, stood: "Stored") -> "CertifyAnswer":
    """Say where an earlier sending stands; what it certified is not what may have been shown since."""
    from services.cli.certify_answers import CertifyAnswer

    return CertifyAnswer(
        ledger=ledger.short_id,
        position=stood.position,
        site=site,
        bssy=bssy,
        outcome="repeated",
        command=stood.command,
        version=stood.version,
        certified=0,
        held_back=0,
        leaving=0,
        graduates=(),
    )


async def carry_out(ledger: "Ledger", session: "Session", shown: "Shown", command: UUID) -> "CertifyAnswer":
    """Certify what was shown. A certification that moved since is Changed, and what stands stays."""
    from services.certifying import certify as append_shown
    from services.commands import Conflict, Stored

    session.on_signal = f"Whether the site was certified tells `ledger verdict {command}`."
    outcome = await append_shown(ledger, shown, command_id=command)
    if isinstance(outcome, Conflict):
        from services.cli.output import at

        typer.echo(
            f"ledger: refused: site {shown.site} was certified or withdrawn since it was shown, at "
            f"{at(ledger.short_id, outcome.position)}. Look at it again and decide anew.",
            err=True,
        )
        raise typer.Exit(ExitCode.CONFLICT)
    if isinstance(outcome, Stored) and outcome.repeated:
        return repeated_answer(ledger, shown.site, shown.bssy, outcome)
    return shown_answer(ledger, shown, outcome, command)


def shown_answer(
    ledger: "Ledger", shown: "Shown", outcome: "Stored | Unchanged | None" = None, command: UUID | None = None
) -> "CertifyAnswer":
    """Put what was shown, and what became of it, into one answer."""
    from services.cli.certify_answers import CertifyAnswer, ShownGraduate
    from services.commands import Stored

    stored = isinstance(outcome, Stored)
    word = "shown" if outcome is None else "certified" if stored else "unchanged"
    return CertifyAnswer(
        ledger=ledger.short_id,
        position=outcome.position if isinstance(outcome, Stored) else shown.position,
        site=shown.site,
        bssy=shown.bssy,
        outcome=word,
        command=command if stored else None,
        version=shown.version if outcome is None else outcome.version,
        certified=len(shown.graduates),
        held_back=len(shown.candidates) - len(shown.graduates),
        leaving=len(shown.leaving),
        graduates=tuple(
            ShownGraduate(
                ref=one.graduate.ref,
                state_id=one.state_id,
                version=one.graduate.version,
                held_back=tuple(problem.code for problem in one.held_back),
                will_be_rejected=one.will_be_rejected,
                certified_before=one.certified_before,
            )
            for one in shown.candidates
        ),
    )


def print_shown(ledger: str, shown: "Shown") -> None:
    """Show every graduate with what would happen to them, then the counts."""
    from services.cli.output import at, console, plural, table

    out = console()
    those_to_look_at_first = sorted(
        shown.candidates, key=lambda one: (not one.held_back, not one.will_be_rejected, one.state_id)
    )
    rows = [(one.state_id, str(one.graduate.version), *verdict_on(one)) for one in those_to_look_at_first]
    out.print(table(("state id", "version", "would be", "because"), rows, right=("version",)), soft_wrap=True)
    held_back = len(shown.candidates) - len(shown.graduates)
    rejected = sum(bool(one.will_be_rejected) for one in shown.candidates if not one.held_back)
    out.print(
        f"Site {shown.site}, {shown.bssy}, as of {at(ledger, shown.position)}: "
        f"{plural(len(shown.graduates), 'graduate')} to certify, {held_back:,} held back"
        + (f"; {rejected:,} would be rejected by the OTS until repaired" if rejected else "")
        + (f"; {len(shown.leaving):,} certified now would be no more" if shown.leaving else ""),
        soft_wrap=True,
    )


def verdict_on(one: "Candidate") -> tuple[str, str]:
    """Say what would happen to one graduate, and why."""
    from events.official_reasons import REASONS

    if one.held_back:
        return "held back", "; ".join(f"{found.code} {found.message}: {found.hint}" for found in one.held_back)
    if one.will_be_rejected:
        return "certified, then rejected by the OTS", " ".join(REASONS[code].message for code in one.will_be_rejected)
    return "certified", "as before" if one.certified_before else ""


def show_certified(answer: "CertifyAnswer", *, as_json: bool) -> None:
    """Say what became of it."""
    from services.cli.output import at, console, plural, print_json

    place = at(answer.ledger, answer.position)
    if as_json:
        print_json(answer)
        return
    match answer.outcome:
        case "shown":
            text = "Dry run: nothing was certified."
        case "unchanged":
            text = "Nothing to change: exactly these graduates are certified already."
        case "repeated":
            text = f"Had already been certified at {place} (command {answer.command})"
        case _:
            graduates = plural(answer.certified, "graduate")
            text = f"Certified {graduates} of site {answer.site} at {place} (command {answer.command})"
    console().print(text, soft_wrap=True)


# --- uncertify --------------------------------------------------------------------------------------------------


def uncertify(
    site: Site,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept sealed in the log.")],
    bssy: CurrentBssy = None,
    command_id: CommandId = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw a site's certification, because wrong data were sent. No document is taken back by it.

    Exit status: 0 withdrawn, or none counted; 2 refused; 75 outcome unknown: repeat with the same --command-id.
    """
    from uuid import uuid4

    from services.cli.output import print_json
    from services.cli.session import with_ledger

    if not reason.strip():
        raise CommandRefused("a withdrawal needs its reason: --reason 'wrong data were sent for ...'.")
    command = command_id or uuid4()

    async def work(ledger: "Ledger", session: "Session") -> "UncertifyAnswer":
        from services.certifying import current_bssy
        from services.certifying import uncertify as withdraw
        from services.cli.certify_answers import UncertifyAnswer
        from services.commands import Stored

        session.on_signal = f"Whether the certification was withdrawn tells `ledger verdict {command}`."
        year = bssy or current_bssy(ledger.today())
        outcome = await withdraw(ledger, site, year, reason, command_id=command)
        word = "unchanged"
        if isinstance(outcome, Stored):
            word = "repeated" if outcome.repeated else "withdrawn"
        return UncertifyAnswer(
            ledger=ledger.short_id,
            position=outcome.position if isinstance(outcome, Stored) else await ledger.caught_up() - 1,
            site=site,
            bssy=year,
            outcome=word,
            command=command,
            version=outcome.version,
        )

    answer = with_ledger(work)
    if as_json:
        print_json(answer)
    else:
        show_withdrawn(answer)


def show_withdrawn(answer: "UncertifyAnswer") -> None:
    """Say what became of a withdrawal."""
    from services.cli.output import at, console

    place = f"site {answer.site}, {answer.bssy}"
    texts = {
        "unchanged": f"Nothing to withdraw: no certification of {place} counts.",
        "repeated": f"Had already been withdrawn at {at(answer.ledger, answer.position)}: {place}",
        "withdrawn": f"Withdrawn at {at(answer.ledger, answer.position)}: {place} (command {answer.command})",
    }
    console().print(texts[answer.outcome], soft_wrap=True)


# --- certifications ---------------------------------------------------------------------------------------------


def certifications(
    bssy: Annotated[str | None, typer.Option(metavar="YEAR", help="Only this school year's.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the public sites with graduates: certified, in need of recertification and for whom, or never certified.

    Exit status: 0 every site is certified as it stands; 1 some site is not.
    """
    from services.cli.output import print_json
    from services.cli.session import with_ledger

    async def work(ledger: "Ledger", _session: "Session") -> "CertificationsAnswer":
        from projections.certification_queries import list_sites
        from services.cli.certify_answers import CertificationsAnswer
        from services.cli.session import reading

        async with reading(ledger, "certifications", "current_transcripts") as (connection, head):
            sites, found = await list_sites(connection, bssy)
        position = head.next_position - 1
        return CertificationsAnswer(ledger=ledger.short_id, position=position, sites=sites, disagreements=found)

    answer = with_ledger(work)
    if as_json:
        print_json(answer)
    else:
        show_certifications(answer)
    settled = all(site.standing == "certified" for site in answer.sites)
    raise typer.Exit(ExitCode.DONE if settled else ExitCode.PROBLEMS)


WORDS = {
    "certified": "certified",
    "needs-recertification": "needs recertification",
    "withdrawn": "withdrawn",
    "never-certified": "never certified",
    "record-changed": "the record was changed",
    "identity-changed": "the identity was changed",
    "not-in-list": "is not in the list",
    "no-graduate-any-more": "is no graduate of the site any more",
}


def show_certifications(answer: "CertificationsAnswer") -> None:
    """One row a site, then one row for each graduate who is not certified as they stand."""
    from services.cli.output import at, console, plural

    out = console()
    out.print(sites_table(answer), soft_wrap=True)
    if answer.disagreements:
        out.print("[bold]Not certified as they stand[/]")
        out.print(disagreements_table(answer), soft_wrap=True)
    out.print(f"{plural(len(answer.sites), 'site')}, as of {at(answer.ledger, answer.position)}")


def sites_table(answer: "CertificationsAnswer") -> Any:
    """How each site stands."""
    from services.cli.output import at, table, when

    numbers = ("graduates", "as certified", "not")
    rows = []
    for one in answer.sites:
        acted = f"{when(one.certified_at)} {at(answer.ledger, one.position or 0)}" if one.certified_at else ""
        since = f"{when(one.since)} {at(answer.ledger, one.since_position or 0)}" if one.since else ""
        counts = (f"{count:,}" for count in (one.graduates, one.agreeing, one.disagreeing))
        rows.append((one.site, one.bssy, WORDS[one.standing], *counts, acted, since))
    times = ("certified or withdrawn", "not certified since")
    return table(("site", "year", "standing", *numbers, *times), rows, right=numbers, folding=times)


def disagreements_table(answer: "CertificationsAnswer") -> Any:
    """For whom the sites need recertification, and since which change."""
    from services.cli.output import at, table, when

    rows = []
    for one in answer.disagreements:
        since = f"{when(one.changed_at)} {at(answer.ledger, one.position)}"
        rows.append((one.site, one.bssy, one.state_id, WORDS[one.what], since))
    return table(("site", "year", "state id", "why", "since"), rows)
