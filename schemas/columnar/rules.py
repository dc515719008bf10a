"""The rule table's second compilation: conditions as functions of a chunk of lines, for files of any size.

It says of each line what the Python compilation (`schemas/rules.py`) says of it; a test compares the two on mutated
bytes. What several rules ask of a chunk is computed once.
"""

import ast
from collections.abc import Callable, Hashable, Sequence
from functools import reduce
from operator import and_, eq, ge, gt, le, lt, ne, or_
from typing import Any

import numpy as np

from schemas.columnar import columns
from schemas.columnar.columns import Flags, Words
from schemas.columnar.keys import KeyTable, joined, rows_of, words_of
from schemas.columnar.lines import Bytes, Integers
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
    RuleError,
    Text,
    Word,
)
from schemas.lookups import MISSING_TEXT, Value, index_of, width
from schemas.reference import NO_TABLES, ReferenceTables
from schemas.rules import FileConstants, Rule, day

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
FEW = 8
"""Words of a list up to which comparing with each is faster than a table of them."""


class Chunk:
    """Some lines of one record type, as `Lines.rows` gives them, and what has been computed of them."""

    def __init__(self, rows: Bytes) -> None:
        self.rows = rows
        self.kept: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self.rows)


Column = Callable[[Chunk], Any]
"""Computes something of each line of a chunk; a Condition's gives Flags."""


class Compiled:
    """The rules of one record type, ready to be asked of chunks."""

    def __init__(self, conditions: Sequence[Column]) -> None:
        self.conditions = conditions

    def broken(self, chunk: Chunk) -> Flags:
        """One row a rule, one column a line: where the line breaks the rule."""
        broken = np.empty((len(self.conditions), len(chunk)), np.bool_)
        for row, condition in zip(broken, self.conditions, strict=True):
            row[:] = condition(chunk)
        return broken


def compile_columns(rules: Sequence[Rule], constants: FileConstants, tables: ReferenceTables = NO_TABLES) -> Compiled:
    """The rules of one record type over its lines. Raises KeyError for a table that a rule needs and is not given."""
    compiler = Compiler(constants, tables)
    return Compiled([compiler.condition(rule.condition) for rule in rules])


class Compiler:
    """Turns nodes into functions of a chunk; equal nodes into one function, which keeps what it computed."""

    def __init__(self, constants: FileConstants, tables: ReferenceTables) -> None:
        self.constants = constants
        self.tables = tables
        self.made: dict[Hashable, Column] = {}
        self.keys: dict[Lookup, tuple[Integers, Words]] = {}

    def once(self, what: Hashable, compute: Column) -> Column:
        """`compute`, or the function that was made of the same before."""
        if what in self.made:
            return self.made[what]
        place = len(self.made)

        def column(chunk: Chunk) -> Any:
            if place not in chunk.kept:
                chunk.kept[place] = compute(chunk)
            return chunk.kept[place]

        self.made[what] = column
        return column

    def condition(self, node: Condition) -> Column:
        match node:
            case Logic(operator=operator, parts=parts):
                return self.once(node, combined(and_ if operator == "and" else or_, [*map(self.condition, parts)]))
            case Not(of=of):
                inner = self.condition(of)
                return self.once(node, lambda chunk: ~inner(chunk))
            case Predicate():
                return self.once(node, self.predicate(node))
            case Known(row=row):
                rows = self.row(row)
                return self.once(node, lambda chunk: rows(chunk) >= 0)
            case Member():
                return self.once(node, self.membership(node))
            case Compare():
                return self.once(node, self.comparison(node))

    # ---- bytes ---------------------------------------------------------------------------------------------------

    def words(self, text: Text) -> Column:
        return self.once(text, lambda chunk: columns.words(chunk.rows, text))

    def predicate(self, node: Predicate) -> Column:
        text, field, wide = node.text, self.words(node.text), node.text.width
        match node.name:
            case "blank":
                return lambda chunk: columns.blank(field(chunk), wide)
            case "digits":
                return lambda chunk: columns.digits(field(chunk), wide)
            case "bad":
                is_blank, is_digits = self.named("blank", text), self.named("digits", text)
                return lambda chunk: ~(is_blank(chunk) | is_digits(chunk))
            case "full":
                return lambda chunk: columns.full(field(chunk))
            case "letters":
                return lambda chunk: columns.letters(chunk.rows, text)
            case "name":
                return lambda chunk: columns.name(chunk.rows, text)
            case "only":
                return lambda chunk: columns.only(chunk.rows, text, node.allowed)
            case "real_date":
                days = self.day(Day(text.start, text.stop))
                return lambda chunk: days(chunk) > 0
        raise RuleError(f"there is no predicate {node.name}")

    def named(self, name: str, text: Text) -> Column:
        return self.condition(Predicate(name, text))

    def membership(self, node: Member) -> Column:
        text = node.text
        if isinstance(text, Cell):
            return self.of_cell(text, lambda value: (value in node.values) != node.negated)
        found, is_blank = self.listed(self.words(text), sorted(node.values)), self.named("blank", text)
        return (lambda chunk: ~(found(chunk) | is_blank(chunk))) if node.negated else found

    def listed(self, field: Column, values: Sequence[bytes]) -> Column:
        if len(values) <= FEW:
            return lambda chunk: reduce(or_, (columns.equal(field(chunk), value) for value in values))
        table = KeyTable(words_of(values))
        return lambda chunk: table.find(field(chunk)) >= 0

    # ---- comparisons ---------------------------------------------------------------------------------------------

    def comparison(self, node: Compare) -> Column:
        operator = OPERATORS[node.operator]
        match node.left, node.right:
            case Text() as text, other:
                return self.of_texts(text, node.operator, other)
            case Cell() as cell, Word(raw=raw):
                return self.of_cell(cell, lambda value: bool(operator(value, raw)))
        left, right = self.operand(node.left), self.operand(node.right)
        if node.operator == "!=":  # not-a-number differs from everything, a missing value from nothing
            return lambda chunk: (left(chunk) < right(chunk)) | (left(chunk) > right(chunk))
        return lambda chunk: operator(left(chunk), right(chunk))

    def of_texts(self, left: Text, operator: str, right: Operand) -> Column:
        equal, blanks = self.equal(left, right), [self.named("blank", left)]
        if isinstance(right, Text):
            blanks.append(self.named("blank", right))
        missing = combined(or_, blanks)
        if operator == "==":
            return lambda chunk: equal(chunk) & ~missing(chunk)
        return lambda chunk: ~(equal(chunk) | missing(chunk))

    def equal(self, left: Text, right: Operand) -> Column:
        field = self.words(left)
        match right:
            case Word(raw=raw):
                return self.once((left, raw), lambda chunk: columns.equal(field(chunk), raw))
            case Text():
                other = self.words(right)
                return self.once((left, right), lambda chunk: columns.same(field(chunk), other(chunk)))
        raise RuleError(f"{right} is not a text")

    def operand(self, node: Operand) -> Column:
        """A number or day of each line, not-a-number where it is missing; of a constant one for all."""
        match node:
            case Number(start=start, stop=stop):
                return self.number(Text(start, stop))
            case Day():
                return self.day(node)
            case Cell():
                return self.numbers_of_cell(node)
            case Constant(source=source):
                value = np.float64(value_of(source, self.constants))
                return lambda _: value
        raise RuleError(f"{node} is not a number")

    def number(self, text: Text) -> Column:
        field, valid, wide = self.words(text), self.named("digits", text), text.width
        return self.once(("number", text), lambda chunk: columns.number(field(chunk), wide, valid(chunk)))

    def day(self, node: Day) -> Column:
        if node.stop - node.start != 8:
            return lambda chunk: np.full(len(chunk), columns.MISSING)
        dates = self.number(Text(node.start, node.stop))
        return self.once(node, lambda chunk: columns.day(dates(chunk)))

    # ---- reference tables ----------------------------------------------------------------------------------------

    def row(self, row: Lookup) -> Column:
        """The place of the row that a line points to, as `cells` has them; -1 where there is none."""
        fields = [self.words(part) for part in row.key if isinstance(part, Text)]
        places, keys = self.pointed(row)
        if not len(places) or not keys:
            place = 0 if len(places) else -1
            return self.once(row, lambda chunk: np.full(len(chunk), place))
        table = KeyTable(keys)
        return self.once(row, lambda chunk: table.find(joined([field(chunk) for field in fields])))

    def pointed(self, row: Lookup) -> tuple[Integers, Words]:
        """The rows to which lines of this file can point, as places in the table's index, and their keys' texts."""
        if row not in self.keys:
            keys = list(index_of(self.tables[row.table], row, ()))
            self.keys[row] = self.pointed_among(rows_of(keys), row) if keys else (np.empty(0, np.int64), ())
        return self.keys[row]

    def pointed_among(self, keys: Bytes, row: Lookup) -> tuple[Integers, Words]:
        fits, texts, at = np.ones(len(keys), np.bool_), [], 0
        for part in row.key:
            piece = columns.words(keys, Text(at, at + width(part)))
            at += width(part)
            if isinstance(part, Text):
                texts.append(piece)
            elif fixed := self.fixed(part):
                fits &= columns.equal(piece, fixed)
        return np.flatnonzero(fits), tuple(word[fits] for word in joined(texts))

    def fixed(self, part: Constant | Word) -> bytes:
        return part.raw if isinstance(part, Word) else b"%04d" % self.constants.bssy

    def of_cell(self, cell: Cell, test: Callable[[Value], bool]) -> Column:
        """Where the cell is there and the test is true of it; each cell is tested once."""
        rows, values = self.row(cell.row), self.cells(cell)
        passed = np.array([value != MISSING_TEXT and test(value) for value in values] + [False])
        return lambda chunk: passed[rows(chunk)]

    def numbers_of_cell(self, cell: Cell) -> Column:
        rows, numbers = self.row(cell.row), np.array([*self.cells(cell), columns.MISSING], np.float64)
        return self.once(cell, lambda chunk: numbers[rows(chunk)])

    def cells(self, cell: Cell) -> list[Value]:
        wanted = (cell.column, cell.decimals)
        values = [value for _, value in index_of(self.tables[cell.row.table], cell.row, (wanted,)).values()]
        places, _ = self.pointed(cell.row)
        return [values[place] for place in places.tolist()]


def combined(operator: Callable[[Any, Any], Any], parts: Sequence[Column]) -> Column:
    return lambda chunk: reduce(operator, (part(chunk) for part in parts))


def value_of(source: str, constants: FileConstants) -> int:
    """The number or day that the source of a Constant says."""
    return reckoned(ast.parse(source, mode="eval").body, constants)


def reckoned(node: ast.expr, constants: FileConstants) -> int:
    match node:
        case ast.Constant(value=int(value)):
            return value
        case ast.Name(id="bssy"):
            return constants.bssy
        case ast.Name(id="today"):
            return constants.today.toordinal()
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return reckoned(left, constants) + reckoned(right, constants)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return reckoned(left, constants) - reckoned(right, constants)
        case ast.Call(func=ast.Name(id="day"), args=[year, month, of_month]):
            return day(reckoned(year, constants), reckoned(month, constants), reckoned(of_month, constants))
    raise RuleError(f"{ast.unparse(node)} is not a constant")
