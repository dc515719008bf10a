"""The little language of the rule table: an expression over the fields of one record, true where the record is wrong.

    letter_grade_code == 'F' and credit_earned_count > 0
    not blank(graduation_date) and not real_date(graduation_date) or date(graduation_date) > today + 14

**Operands.** A field name is a *number* where the layout says so (type N, or implied decimals: an integer in its
smallest unit, 050 is 50) and a *text* otherwise; `field[0:3]` is a part of it and always a text. A text is its bytes
without trailing blanks, a blank text is *missing*. A number whose bytes are not all digits over the whole field is
*missing*. `date(field)` is the day of an MMDDYYYY field, missing if there is no such day. Constants are 'texts',
integers, and what is known for the whole file: `bssy`, `today`, `day(year, month, day)`, each with + or - an integer.

**Comparisons** `== != < <= > >=` (texts only == and !=), and `in`, `not in` a tuple of texts, a DOMAIN of the table, or
`values(field)`, the layout's list. *Any* comparison with a missing operand is false, `!=` and `not in` too: one fault
does not cascade into others. Fields compared with each other must have the same decimals or the same width.

**Lookups.** The table names lookups: `course` is then the row of a reference table to which fields of the record point,
`course.ap` a text of it (compared with 'texts' and lists of them only), `site.last_bssy` a number where the lookup says
so. Both are missing where the cell is empty or there is no such row; the predicate `known(course)` tells whether there
is one.

**Predicates** look at bytes and are never missing: `blank(f)`; `digits(f)` all of its bytes are digits;
`bad(f)` neither blank nor digits; `full(f)` no blank inside; `letters(f)` letters only (Latin-1), trailing blanks
aside; `name(f)` letters, apostrophe, hyphen, period and blank, not starting with a blank and with one letter at
least; `only(f, 'YN ')` each byte is one of these; `real_date(f)`.

**Logic** `and`, `or`; `not` only before predicates and their and/or/not, so that a negation never turns a missing
operand into a finding.

`parse` turns text into the typed nodes below; a compiler turns nodes into code (`schemas/rules.py` to Python).
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from schemas.layout import Field, RecordLayout

PREDICATES = ("blank", "digits", "bad", "full", "letters", "name", "only", "real_date")
Operator = Literal["==", "!=", "<", "<=", ">", ">="]
ConstantKind = Literal["number", "day"]

OPERATORS: dict[type[ast.cmpop], Operator] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
FILE_CONSTANTS: dict[str, ConstantKind] = {"bssy": "number", "today": "day"}


class RuleError(ValueError):
    """An expression of the rule table is not in the language: our own fault, found when the table is loaded."""


@dataclass(frozen=True, slots=True)
class Text:
    """Bytes `start` to `stop` of the line, 0-based and half-open."""

    start: int
    stop: int

    @property
    def width(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class Number:
    start: int
    stop: int
    decimals: int


@dataclass(frozen=True, slots=True)
class Day:
    """An MMDDYYYY field as a day number (proleptic Gregorian ordinal)."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A number or day known for the whole file; `source` is valid Python over bssy, today and day()."""

    source: str
    kind: ConstantKind


@dataclass(frozen=True, slots=True)
class Word:
    raw: bytes


@dataclass(frozen=True, slots=True)
class Lookup:
    """The row of a reference table whose `columns` hold the parts of `key`: bytes of the line, bssy, or fixed bytes.

    A part that is a Text is compared with the cell padded to its width; bssy is four digits.
    """

    table: str
    columns: tuple[str, ...]
    key: "tuple[Text | Constant | Word, ...]"


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of a looked-up row: a number with so many implied decimals, or (None) a text without padding."""

    row: Lookup
    column: str
    decimals: int | None


Operand = Text | Number | Day | Constant | Word | Cell


@dataclass(frozen=True, slots=True)
class Predicate:
    name: str
    text: Text
    allowed: bytes = b""


@dataclass(frozen=True, slots=True)
class Known:
    """Whether the table has the row."""

    row: Lookup


@dataclass(frozen=True, slots=True)
class Compare:
    operator: Operator
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Member:
    """`values` are padded to the width of `text`, those of a cell are not."""

    text: Text | Cell
    values: frozenset[bytes]
    negated: bool


@dataclass(frozen=True, slots=True)
class Not:
    of: "Condition"


@dataclass(frozen=True, slots=True)
class Logic:
    operator: Literal["and", "or"]
    parts: "tuple[Condition, ...]"


Condition = Predicate | Known | Compare | Member | Not | Logic


@dataclass(frozen=True, slots=True)
class Pointer:
    """How records point into a table: `key` has per column a field, a part of one, `bssy` or a 'text'.

    `decimals` name the columns that are numbers.
    """

    table: str
    key: Mapping[str, str]
    decimals: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scope:
    """The names an expression may use: the record's fields, spans of neighbouring fields, named lists, and lookups."""

    record: RecordLayout
    spans: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    domains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pointers: Mapping[str, Pointer] = field(default_factory=dict)

    def columns(self, name: str) -> tuple[int, int]:
        """First and last column (1-based, inclusive) of a field or span. Raises RuleError."""
        first, last = self.spans.get(name, (name, name))
        return self.field(first).start, self.field(last).end

    def field(self, name: str) -> Field:
        if name not in self.record:
            raise RuleError(f"record {self.record.code} has no field {name}")
        return self.record[name]

    def text(self, name: str) -> Text:
        first, last = self.columns(name)
        return Text(first - 1, last)


def parse(source: str, scope: Scope) -> Condition:
    """The typed condition that `source` states. Raises RuleError with the reason where it is not in the language."""
    try:
        tree = ast.parse(source.replace("\n", " ").strip(), mode="eval")
        return condition(tree.body, scope)
    except SyntaxError as fault:
        raise RuleError(f"{source!r}: {fault.msg}") from fault
    except RuleError as fault:
        raise RuleError(f"{source!r}: {fault}") from fault


def condition(node: ast.expr, scope: Scope) -> Condition:
    match node:
        case ast.BoolOp(op=operator, values=values):
            parts = tuple(condition(value, scope) for value in values)
            return Logic("and" if isinstance(operator, ast.And) else "or", parts)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return negation(condition(operand, scope))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in PREDICATES:
            return predicate(name, args, scope)
        case ast.Call(func=ast.Name(id="known"), args=[ast.Name(id=name)], keywords=[]):
            return Known(lookup(name, scope))
        case ast.Compare(left=left, ops=[ast.In() | ast.NotIn() as operator], comparators=[right]):
            return membership(left, right, isinstance(operator, ast.NotIn), scope)
        case ast.Compare(left=left, ops=[operator], comparators=[right]) if type(operator) in OPERATORS:
            return comparison(OPERATORS[type(operator)], left, right, scope)
    raise RuleError(f"{ast.unparse(node)} is not a condition")


def negation(of: Condition) -> Condition:
    if not is_two_valued(of):
        raise RuleError("`not` stands before predicates only: a negated comparison would turn a missing value true")
    return Not(of)


def is_two_valued(node: Condition) -> bool:
    match node:
        case Predicate() | Known():
            return True
        case Not(of=of):
            return is_two_valued(of)
        case Logic(parts=parts):
            return all(map(is_two_valued, parts))
    return False


def predicate(name: str, args: list[ast.expr], scope: Scope) -> Predicate:
    match name, args:
        case "only", [operand, ast.Constant(value=str(allowed))]:
            return Predicate(name, text_of(operand, scope), latin(allowed))
        case _, [operand] if name != "only":
            return Predicate(name, text_of(operand, scope))
    raise RuleError(f"{name} takes {'a field and its bytes' if name == 'only' else 'one field'}")


def membership(left: ast.expr, right: ast.expr, negated: bool, scope: Scope) -> Member:
    words = [latin(value) for value in listed(right, scope)]
    if any(not word.strip() for word in words):
        raise RuleError("a list holds no blank: say blank(field)")
    if isinstance(left, ast.Attribute):
        return Member(text_cell(left, scope), frozenset(words), negated)
    text = text_of(left, scope)
    return Member(text, frozenset(fitted(word, text.width) for word in words), negated)


def listed(node: ast.expr, scope: Scope) -> tuple[str, ...]:
    match node:
        case ast.Tuple(elts=elements) if all(isinstance(one, ast.Constant) for one in elements):
            values = [one.value for one in elements if isinstance(one, ast.Constant)]
            if all(isinstance(value, str) for value in values):
                return tuple(str(value) for value in values)
        case ast.Name(id=name) if name in scope.domains:
            return scope.domains[name]
        case ast.Call(func=ast.Name(id="values"), args=[ast.Name(id=name)], keywords=[]):
            if layout_values := scope.field(name).values:
                return layout_values
            raise RuleError(f"the layout lists no values for {name}")
    raise RuleError(f"{ast.unparse(node)} is not a list of texts")


def comparison(operator: Operator, left: ast.expr, right: ast.expr, scope: Scope) -> Compare:
    one, other = operand(left, scope), operand(right, scope)
    match one, other:
        case Text(), Word(raw=raw):
            other = Word(fitted(raw, one.width))
        case Text(), Text() if one.width == other.width:
            pass
        case (Number() | Cell(), Number() | Cell()) if one.decimals == other.decimals is not None:
            pass
        case Cell(decimals=None), Word(raw=raw) if raw.strip():
            pass
        case Cell(decimals=int()), Constant(kind="number"):
            pass
        case (Number(), Constant(kind="number")) | (Day(), Constant(kind="day")) | (Day(), Day()):
            pass
        case Constant(), Constant() if one.kind == other.kind:
            pass
        case _:
            raise RuleError(f"{ast.unparse(left)} and {ast.unparse(right)} cannot be compared")
    if isinstance(other, Text | Word) and operator not in ("==", "!="):
        raise RuleError("texts are compared with == and != only")
    return Compare(operator, one, other)


def operand(node: ast.expr, scope: Scope) -> Operand:
    match node:
        case ast.Constant(value=str(value)):
            return Word(latin(value))
        case ast.Call(func=ast.Name(id="date"), args=[argument], keywords=[]):
            text = text_of(argument, scope)
            if text.width != 8:
                raise RuleError("date() takes a field of eight columns")
            return Day(text.start, text.stop)
        case ast.Name(id=name) if name in scope.record and scope.record[name].is_number:
            text = scope.text(name)
            return Number(text.start, text.stop, scope.record[name].decimals)
        case ast.Name(id=name) if name in scope.record or name in scope.spans:
            return scope.text(name)
        case ast.Subscript():
            return text_of(node, scope)
        case ast.Attribute():
            return cell(node, scope)
    return Constant(ast.unparse(node), constant_kind(node))


def text_of(node: ast.expr, scope: Scope) -> Text:
    match node:
        case ast.Name(id=name):
            return scope.text(name)
        case ast.Subscript(
            value=ast.Name(id=name),
            slice=ast.Slice(lower=ast.Constant(value=int(lower)), upper=ast.Constant(value=int(upper)), step=None),
        ):
            whole = scope.text(name)
            if 0 <= lower < upper <= whole.width:
                return Text(whole.start + lower, whole.start + upper)
            raise RuleError(f"{ast.unparse(node)} lies outside the field")
    raise RuleError(f"{ast.unparse(node)} is not a field or a part of one")


def lookup(name: str, scope: Scope) -> Lookup:
    if name not in scope.pointers:
        raise RuleError(f"record {scope.record.code} has no lookup {name}")
    pointer = scope.pointers[name]
    parts = (key_part(source, scope) for source in pointer.key.values())
    return Lookup(pointer.table, tuple(pointer.key), tuple(parts))


def key_part(source: str, scope: Scope) -> Text | Constant | Word:
    match ast.parse(source, mode="eval").body:
        case ast.Constant(value=str(value)):
            return Word(latin(value))
        case ast.Name(id="bssy"):
            return Constant("bssy", "number")
        case node:
            return text_of(node, scope)


def cell(node: ast.Attribute, scope: Scope) -> Cell:
    match node:
        case ast.Attribute(value=ast.Name(id=name), attr=column):
            return Cell(lookup(name, scope), column, scope.pointers[name].decimals.get(column))
    raise RuleError(f"{ast.unparse(node)} is not a column of a lookup")


def text_cell(node: ast.Attribute, scope: Scope) -> Cell:
    found = cell(node, scope)
    if found.decimals is not None:
        raise RuleError(f"{ast.unparse(node)} is a number")
    return found


def lookups_in(node: Condition) -> Iterator[Lookup]:
    """The lookups that a condition makes; one that it makes twice comes twice."""
    match node:
        case Known(row=row) | Member(text=Cell(row=row)):
            yield row
        case Compare(left=left, right=right):
            yield from (side.row for side in (left, right) if isinstance(side, Cell))
        case Not(of=of):
            yield from lookups_in(of)
        case Logic(parts=parts):
            for part in parts:
                yield from lookups_in(part)


def constant_kind(node: ast.expr) -> ConstantKind:
    match node:
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            return "number"
        case ast.Name(id=name) if name in FILE_CONSTANTS:
            return FILE_CONSTANTS[name]
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=ast.Constant(value=int())):
            return constant_kind(left)
        case ast.Call(func=ast.Name(id="day"), args=[_, _, _] as parts, keywords=[]):
            if all(constant_kind(part) == "number" for part in parts):
                return "day"
    raise RuleError(f"{ast.unparse(node)} is neither a field nor a constant")


def fitted(word: bytes, width: int) -> bytes:
    if len(word) > width:
        raise RuleError(f"{word.decode('latin-1')!r} is longer than the {width} columns it is compared with")
    if not word.strip():
        raise RuleError("a blank text is compared by blank()")
    return word.ljust(width)


def latin(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        raise RuleError(f"{value!r} is not Latin-1") from None
