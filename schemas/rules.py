"""The rule table and its compilation to Python: one function per record type, a finding per row that is true.

A row is text (see `schemas/expressions.py` for its language), so that a second compiler can read the same table:

    [[rule]]
    code = "311"
    record = "030"
    field = "credit_earned_count"
    when = "letter_grade_code == 'F' and credit_earned_count != 0"
    hint = "Send 000: an F earns no credit."

`field` names the field, or span of fields, that the report marks. Message and effect come from the code lists. A row
that looks into a reference table decides only where that table is given; one that says `without = "a table"` only
where it is not.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import CodeType
from typing import Any

from schemas.expressions import (
    Cell,
    Compare,
    Condition,
    Constant,
    Day,
    Known,
    Logic,
    Lookup,
    Member,
    Not,
    Number,
    Operand,
    Predicate,
    Scope,
    Text,
    Word,
    lookups_in,
    parse,
)
from schemas.lookups import Columns, index_of, nothing
from schemas.problems import Effect
from schemas.reference import NO_TABLES, ReferenceTables

Check = Callable[[bytes], Sequence[int]]

LETTERS = bytes(code for code in range(256) if chr(code).isalpha())
NAME_MARKS = b"'-. "
MISSING = float("nan")


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table, bound to a record of one layout. `columns` are 1-based and inclusive."""

    code: str
    message: str
    effect: Effect
    hint: str
    record: str
    field: str
    columns: tuple[int, int]
    when: str
    condition: Condition
    without: str = ""

    @property
    def tables(self) -> frozenset[str]:
        """The reference tables that it looks into."""
        return frozenset(row.table for row in lookups_in(self.condition))

    def decides(self, tables: ReferenceTables) -> bool:
        """Whether the row can be asked, given these tables and no others."""
        return self.tables <= tables.keys() and self.without not in tables


@dataclass(frozen=True, slots=True)
class FileConstants:
    """What the expressions know of the file: its BSSY and the day taken as today."""

    bssy: int
    today: date


class Numbers(dict[bytes, float]):
    """Digits to their integer, anything else to not-a-number; each distinct text of up to four bytes once."""

    def __missing__(self, raw: bytes) -> float:
        value = int(raw) if raw.isdigit() else MISSING
        if len(raw) <= 4:
            self[raw] = value
        return value


class Days(dict[bytes, float]):
    """MMDDYYYY to its day number, anything else to not-a-number; kept small on a hostile file."""

    def __missing__(self, raw: bytes) -> float:
        value = day_number(raw)
        if len(self) < 10_000:
            self[raw] = value
        return value


def day_number(raw: bytes) -> float:
    """The ordinal of an MMDDYYYY date, or not-a-number."""
    if len(raw) == 8 and raw.isdigit():
        try:
            return date(int(raw[4:]), int(raw[:2]), int(raw[2:4])).toordinal()
        except ValueError:
            return MISSING
    return MISSING


def day(year: int, month: int, of_month: int) -> int:
    return date(year, month, of_month).toordinal()


def is_name(raw: bytes) -> bool:
    return not raw.translate(None, LETTERS + NAME_MARKS) and raw[:1] != b" " and has_letter(raw)


def has_letter(raw: bytes) -> bool:
    return len(raw.translate(None, LETTERS)) < len(raw)


def compile_record(
    rules: Sequence[Rule], length: int, constants: FileConstants, tables: ReferenceTables = NO_TABLES
) -> Check:
    """A function from one line (without line end) to the indexes of the rules it breaks.

    A line shorter than `length` is read as if blanks followed. The source is generated from the parsed conditions
    only, never from the table's text. Raises KeyError for a rule that looks into a table that is not given.
    """
    writer, code = written(tuple(rule.condition for rule in rules), length)
    scope: dict[str, Any] = {
        "bssy": constants.bssy,
        "today": constants.today.toordinal(),
        "day": day,
        "numbers": Numbers(),
        "days": Days(),
        "is_name": is_name,
        "LETTERS": LETTERS,
        **writer.lists,
        **writer.indexes(tables),
    }
    exec(code, scope)  # noqa: S102 - written here from typed nodes, nothing else
    check: Check = scope["check"]
    return check


@lru_cache(maxsize=64)
def written(conditions: tuple[Condition, ...], length: int) -> "tuple[Writer, CodeType]":
    """The source of some conditions, compiled: the same for every file, day and content of a table."""
    writer = Writer()
    return writer, compile(writer.function(conditions, length), "<rules>", "exec")


class Writer:
    """Writes conditions as Python source; each slice, number and day that a line needs is cut once."""

    def __init__(self) -> None:
        self.constants: dict[str, str] = {}
        self.locals: dict[str, str] = {}
        self.lists: dict[str, frozenset[bytes]] = {}
        self.rows: dict[Lookup, str] = {}
        self.columns: dict[Lookup, dict[tuple[str, int | None], int]] = {}

    def function(self, conditions: Sequence[Condition], length: int) -> str:
        hits = [self.condition(condition) for condition in conditions]
        lines = [
            *(f"{name} = {value}" for value, name in self.constants.items()),
            "def check(line):",
            f"    if len(line) < {length}: line = line.ljust({length})",
            *(f"    {name} = {value}" for value, name in self.locals.items()),
            f"    if {' or '.join(hits) or 'False'}:",
            f"        return [i for i, hit in enumerate(({''.join(hit + ', ' for hit in hits)})) if hit]",
            "    return ()",
        ]
        return "\n".join(lines)

    def local(self, value: str) -> str:
        return self.locals.setdefault(value, f"v{len(self.locals)}")

    def text(self, text: Text) -> str:
        return self.local(f"line[{text.start}:{text.stop}]")

    def number(self, number: Number) -> str:
        return self.local(f"numbers[{self.text(Text(number.start, number.stop))}]")

    def day(self, day_field: Day) -> str:
        return self.local(f"days[{self.text(Text(day_field.start, day_field.stop))}]")

    def constant(self, constant: Constant) -> str:
        return self.constants.setdefault(constant.source, f"c{len(self.constants)}")

    def list(self, values: frozenset[bytes]) -> str:
        for name, known in self.lists.items():
            if known == values:
                return name
        name = f"s{len(self.lists)}"
        self.lists[name] = values
        return name

    def indexes(self, tables: ReferenceTables) -> dict[str, Any]:
        """The rows that the written source looks into, and what it finds where there is none."""
        found: dict[str, Any] = {}
        for row, name in self.rows.items():
            columns: Columns = tuple(self.columns[row])
            found |= {f"by_key_{name}": index_of(tables[row.table], row, columns), f"no_{name}": nothing(columns)}
        return found

    def row(self, row: Lookup) -> str:
        if row not in self.rows:
            name = f"row{len(self.rows)}"
            key = " + ".join(self.key_part(part) for part in row.key)
            self.rows[row] = name
            self.columns[row] = {}
            self.locals[f"by_key_{name}.get({key}, no_{name})"] = name
        return self.rows[row]

    def key_part(self, part: Text | Constant | Word) -> str:
        match part:
            case Text():
                return self.text(part)
            case Word(raw=raw):
                return repr(raw)
            case Constant():
                return self.constant(Constant("b'%04d' % bssy", "number"))

    def cell(self, cell: Cell) -> str:
        row, columns = self.row(cell.row), self.columns[cell.row]
        return f"{row}[{columns.setdefault((cell.column, cell.decimals), len(columns) + 1)}]"

    def condition(self, node: Condition) -> str:
        match node:
            case Known(row=row):
                return f"{self.row(row)}[0]"
            case Logic(operator=operator, parts=parts):
                return "(" + f" {operator} ".join(self.condition(part) for part in parts) + ")"
            case Not(of=of):
                return f"(not {self.condition(of)})"
            case Predicate():
                return self.predicate(node)
            case Member():
                return self.membership(node)
            case Compare():
                return self.comparison(node)

    def predicate(self, node: Predicate) -> str:
        text = self.text(node.text)
        blank = repr(b" " * node.text.width)
        return {
            "blank": f"({text} == {blank})",
            "digits": f"{text}.isdigit()",
            "bad": f"({text} != {blank} and not {text}.isdigit())",
            "full": f"(b' ' not in {text})",
            "letters": f"({text} != {blank} and not {text}.rstrip(b' ').translate(None, LETTERS))",
            "name": f"is_name({text})",
            "only": f"(not {text}.strip({node.allowed!r}))",
            "real_date": f"(days[{text}] > 0)",
        }[node.name]

    def membership(self, node: Member) -> str:
        if isinstance(node.text, Cell):
            text, blank = self.cell(node.text), b""
        else:
            text, blank = self.text(node.text), b" " * node.text.width
        if node.negated:
            return f"({text} not in {self.list(node.values | {blank})})"
        return f"({text} in {self.list(node.values)})"

    def comparison(self, node: Compare) -> str:
        left, right = self.operand(node.left), self.operand(node.right)
        if isinstance(node.right, Word) and isinstance(node.left, Cell):
            return f"({left} {node.operator} {right} and {left} != b'')"
        if isinstance(node.left, Text):
            blank = repr(b" " * node.left.width)
            present = [f"{side} != {blank}" for side in (left, right) if side in self.locals.values()]
            return "(" + " and ".join([f"{left} {node.operator} {right}", *present]) + ")"
        if node.operator == "!=":  # not-a-number differs from everything, a missing value from nothing
            return f"({left} < {right} or {left} > {right})"
        return f"({left} {node.operator} {right})"

    def operand(self, node: Operand) -> str:
        match node:
            case Text():
                return self.text(node)
            case Number():
                return self.number(node)
            case Day():
                return self.day(node)
            case Constant():
                return self.constant(node)
            case Word(raw=raw):
                return repr(raw)
            case Cell():
                return self.cell(node)


def bind(
    rows: Iterable[Mapping[str, str]], scopes: Mapping[str, Scope], codes: Mapping[str, tuple[str, Effect]]
) -> tuple[Rule, ...]:
    """The table's rows bound to a layout: parsed, with message, effect and columns. Raises RuleError, KeyError."""
    return tuple(bind_row(row, scopes[row["record"]], codes) for row in rows)


def bind_row(row: Mapping[str, str], scope: Scope, codes: Mapping[str, tuple[str, Effect]]) -> Rule:
    message, effect = codes[row["code"]]
    first, last = scope.spans.get(row["field"], (row["field"], row["field"]))
    return Rule(
        code=row["code"],
        message=message,
        effect=effect,
        hint=row["hint"],
        record=row["record"],
        field=first if first == last else f"{first}..{last}",
        columns=scope.columns(row["field"]),
        when=row["when"],
        condition=parse(row["when"], scope),
        without=row.get("without", ""),
    )
