"""The Louisiana rule table bound to one sector's layout: codes, rules, what stays undecided, and their digest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any, cast, get_args

from schemas.expressions import Pointer, Scope
from schemas.layout import Layout, Variant, content_digest, load_layout
from schemas.louisiana_sts.records import readings, toml
from schemas.problems import Effect, Problem, Undecided
from schemas.reference import NO_TABLES, ReferenceTables
from schemas.rules import Check, FileConstants, Rule, bind, compile_record


@dataclass(frozen=True, slots=True)
class Code:
    """One finding that may be reported: of the 81 of Appendix K, or of our own (F, L, V, G, N)."""

    code: str
    message: str
    effect: Effect
    sectors: frozenset[Variant]
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Need:
    """What a code cannot be decided without: `tables` would do; without any, nothing that can be given does."""

    code: str
    what: str
    tables: frozenset[str]

    def is_open(self, tables: ReferenceTables) -> bool:
        return not (self.tables and self.tables <= tables.keys())


@dataclass(frozen=True, slots=True)
class Table:
    """Everything the checks of one sector are made from. `digest` changes when any of it does."""

    layout: Layout
    codes: Mapping[str, Code]
    rules: Mapping[str, tuple[Rule, ...]]
    needs: tuple[Need, ...]
    digest: str

    def undecided(self, tables: ReferenceTables = NO_TABLES) -> tuple[Undecided, ...]:
        """The codes that are not decided, wholly or in part, with these tables and no others; each once."""
        wanted: dict[str, list[str]] = {}
        for need in self.needs:
            if need.is_open(tables):
                wanted.setdefault(need.code, []).append(need.what)
        return tuple(Undecided(code, "; ".join(what)) for code, what in wanted.items())

    def deciding(self, tables: ReferenceTables = NO_TABLES) -> dict[str, tuple[Rule, ...]]:
        """Per record type: the rules that can be asked with these tables."""
        return {code: tuple(rule for rule in rules if rule.decides(tables)) for code, rules in self.rules.items()}

    def compile(
        self, bssy: int, today: date, tables: ReferenceTables = NO_TABLES
    ) -> dict[str, tuple[tuple[Rule, ...], Check]]:
        """Per record type: the rules with their hints filled in, and the function that finds the broken ones."""
        constants = FileConstants(bssy, today)
        return {
            code: (told(rules, self.layout, bssy), compile_record(rules, self.layout[code].length, constants, tables))
            for code, rules in self.deciding(tables).items()
        }

    def digests(self, tables: ReferenceTables = NO_TABLES) -> dict[str, str]:
        """What a verdict with these tables is decided by: layout, rules, and `reference/` with each table's name."""
        named = {f"reference/{name}": digest for name, digest in tables.digests.items()}
        return {"layout": self.layout.digest, "rules": self.digest, **named}


def told(rules: Sequence[Rule], layout: Layout, bssy: int) -> tuple[Rule, ...]:
    """The rules with {bssy}, {next} and {values} of their hints filled in."""
    years = {"{bssy}": str(bssy), "{next}": str(bssy + 1)}
    return tuple(replace(rule, hint=filled(rule, layout, years)) for rule in rules)


def filled(rule: Rule, layout: Layout, years: Mapping[str, str]) -> str:
    hint = rule.hint
    if "{values}" in hint:
        hint = hint.replace("{values}", ", ".join(layout[rule.record][rule.field].values))
    for mark, year in years.items():
        hint = hint.replace(mark, year)
    return hint


@cache
def all_codes() -> Mapping[str, Code]:
    """The 81 codes of the guide, then our own."""
    guide = {row["code"]: guide_code(row) for row in toml("error_codes.toml")["error"]}
    own = {row["code"]: own_code(row) for row in toml("own_codes.toml")["error"]}
    return guide | own


def guide_code(row: Mapping[str, Any]) -> Code:
    hint = toml("rules.toml")["built_in"].get(row["code"], "")
    return Code(row["code"], row["message"], effect(row["effect"]), sectors(row), hint)


def own_code(row: Mapping[str, Any]) -> Code:
    return Code(row["code"], row["message"], effect(row["effect"]), sectors(row), row["hint"])


def sectors(row: Mapping[str, Any]) -> frozenset[Variant]:
    """Whom a code applies to: one sector, or both where the row does not say."""
    named = row.get("applies_to", "both")
    return frozenset(get_args(Variant)) if named == "both" else frozenset({cast("Variant", named)})


def effect(text: str) -> Effect:
    """The effect named first: `remove_graduation_date (code 2)` is remove_graduation_date."""
    name = text.partition(" ")[0]
    if name not in get_args(Effect):
        raise ValueError(f"effect {text!r} is none of {', '.join(get_args(Effect))}")
    return cast("Effect", name)


@cache
def table(variant: Variant) -> Table:
    """The table of one sector. Raises RuleError, LayoutError or KeyError where the data contradict themselves."""
    layout, codes, content = load_layout(variant), all_codes(), toml("rules.toml")
    domains = {name: tuple(words) for name, words in content["domain"].items()}
    domains |= {name: career_options(groups) for name, groups in content["domain_from"].items()}
    scopes = {
        code: Scope(record, spans(content, variant, code), domains, pointers(content, code))
        for code, record in layout.records.items()
    }
    rows = [with_hint(row, codes) for row in content["rule"] if applies(row, codes, variant)]
    rules = bind(rows, scopes, {code.code: (code.message, code.effect) for code in codes.values()})
    return Table(
        layout=layout,
        codes=codes,
        rules={code: tuple(rule for rule in rules if rule.record == code) for code in layout.records},
        needs=tuple(
            Need(row["code"], row["what"], frozenset(row["tables"]))
            for row in content["needs"]
            if variant in codes[row["code"]].sectors
        ),
        digest=rules_digest(variant),
    )


def applies(row: Mapping[str, str], codes: Mapping[str, Code], variant: Variant) -> bool:
    return row.get("sector", variant) == variant and variant in codes[row["code"]].sectors


def with_hint(row: Mapping[str, str], codes: Mapping[str, Code]) -> dict[str, str]:
    return {"hint": codes[row["code"]].hint, **row}


def spans(content: Mapping[str, Any], variant: Variant, code: str) -> dict[str, tuple[str, str]]:
    return {
        name: (first, last)
        for sector in ("both", variant)
        for name, (first, last) in content["span"].get(sector, {}).get(code, {}).items()
    }


def pointers(content: Mapping[str, Any], code: str) -> dict[str, Pointer]:
    """The lookups of a record's rules."""
    declared = content["lookup"].get(code, {})
    return {name: Pointer(row["table"], row["key"], row.get("decimals", {})) for name, row in declared.items()}


def career_options(groups: Sequence[str]) -> tuple[str, ...]:
    content = toml("career_options.toml")
    return tuple(row["code"] for group in groups for row in content[group])


@cache
def rules_digest(variant: Variant) -> str:
    """SHA-256 over everything but the layout that decides a verdict of this sector."""
    names = ("rules.toml", "error_codes.toml", "own_codes.toml", "career_options.toml")
    return content_digest([variant, dict(readings()), *(toml(name) for name in names)])


def problem(
    code: str,
    *,
    line: int | None = None,
    record: str | None = None,
    field: str | None = None,
    columns: tuple[int, int] | None = None,
    found: bytes = b"",
    message: str | None = None,
    hint: str | None = None,
) -> Problem:
    """A finding of a built-in kind: message, effect and hint are those of its code unless given."""
    known = all_codes()[code]
    return Problem(
        code=code,
        message=message or known.message,
        effect=known.effect,
        hint=hint or known.hint,
        line=line,
        record=record,
        field=field,
        columns=columns,
        found=found,
    )
