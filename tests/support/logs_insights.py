"""CloudWatch Logs Insights, as far as resources/queries.yml uses its language. Anything else is an error.

Source: AWS, "CloudWatch Logs Insights query syntax" and "Supported logs and discovered fields".
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from operator import add, eq, ge, gt, le, lt, mul, ne, sub, truediv
from typing import Any, TypeVar

Record = dict[str, Any]
"""The fields of a log event, or a row of a result. A field that is not there is absent."""
Expression = Callable[[Record], Any]
T = TypeVar("T")

_TOKEN = re.compile(
    r"\s*(?:(?P<regex>(?<=like )/(?:[^/\\]|\\.)+/)|(?P<text>'[^']*')|(?P<period>\d+[smhd])"
    r"|(?P<number>\d+(?:\.\d+)?)|(?P<name>[@A-Za-z_][\w.@]*)|(?P<sign>!=|<=|>=|[=<>|(),*/+\[\]-]))"
)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_COMPARISONS = {"=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
_ARITHMETIC = ({"+": add, "-": sub}, {"*": mul, "/": truediv})
_REPORT_NUMBERS = {  # in the line that Lambda writes after each invocation; sizes become bytes
    "@duration": r"\tDuration: ([\d.]+) ms",
    "@billedDuration": r"Billed Duration: (\d+) ms",
    "@memorySize": r"Memory Size: (\d+) MB",
    "@maxMemoryUsed": r"Max Memory Used: (\d+) MB",
    "@initDuration": r"Init Duration: ([\d.]+) ms",
}


def discover(line: str, timestamp: int) -> Record:
    """Return the fields of a line of a Lambda function's log. `timestamp` is in milliseconds."""
    record: Record = {"@message": line, "@timestamp": timestamp}
    if line.startswith("REPORT "):
        record["@type"] = "REPORT"
        for name, pattern in _REPORT_NUMBERS.items():
            if match := re.search(pattern, line):
                record[name] = float(match[1]) * (1_000_000 if "emory" in name else 1)
    if line.startswith("{"):
        record |= _flat("", json.loads(line))
    return record


def _flat(prefix: str, value: Any) -> Record:
    """Return the members of a JSON value by their paths, such as `scopes.0`. A null is no field."""
    if isinstance(value, dict | list):
        members = value.items() if isinstance(value, dict) else enumerate(value)
        flat: Record = {}
        for name, member in members:
            flat |= _flat(f"{prefix}.{name}" if prefix else str(name), member)
        return flat
    return {} if value is None else {prefix: value}


class Query:
    """A query, with the fields of log events that it reads.

    A class because parsing has state: the tokens that are left.
    """

    def __init__(self, text: str) -> None:
        """Raises ValueError for what is not known here."""
        self.fields: set[str] = set()
        self._columns: set[str] | None = None  # what `stats` leaves
        self._tokens = list(_tokens(text))
        self._commands = [self._command()]
        while self._tokens:
            self._expect("|")
            self._commands.append(self._command())

    def run(self, records: Iterable[Record]) -> list[Record]:
        """Return the rows of the result."""
        rows = list(records)
        for command in self._commands:
            rows = command(rows)
        return rows

    def _next(self) -> str:
        if not self._tokens:
            raise ValueError("the query ends too early")
        return self._tokens.pop(0)

    def _take(self, *words: str) -> str | None:
        """Return the next token and go on, if it is one of these."""
        return self._tokens.pop(0) if self._tokens and self._tokens[0] in words else None

    def _expect(self, word: str) -> None:
        if self._take(word) is None:
            raise ValueError(f"{word} expected before {self._tokens[:5]}")

    def _command(self) -> Callable[[list[Record]], list[Record]]:
        name = self._next()
        if name == "filter":
            condition = self._or()
            return lambda rows: [row for row in rows if condition(row)]
        if name == "fields":
            names = self._list(self._field)
            return lambda rows: [{one: row[one] for one in names if one in row} for row in rows]
        if name == "sort":
            column, order = self._field(), self._take("asc", "desc") or "asc"
            return lambda rows: sorted(rows, key=lambda row: row[column], reverse=order == "desc")
        if name == "limit":
            number = int(self._next())
            return lambda rows: rows[:number]
        if name == "stats":
            return self._stats()
        raise ValueError(f"the command {name} is not known here")

    def _stats(self) -> Callable[[list[Record]], list[Record]]:
        aggregates = self._list(self._aggregate)
        groups = self._list(self._group) if self._take("by") else []
        self._columns = {name for name, _ in (*aggregates, *groups)}

        def stats(rows: list[Record]) -> list[Record]:
            members: dict[tuple[Any, ...], list[Record]] = {}
            for row in rows:
                members.setdefault(tuple(value(row) for _, value in groups), []).append(row)
            return [
                {name: value for (name, _), value in zip(groups, key, strict=True) if value is not None}
                | {name: aggregate(group) for name, aggregate in aggregates}
                for key, group in members.items()
            ]

        return stats

    def _aggregate(self) -> tuple[str, Callable[[list[Record]], Any]]:
        function = self._next()
        self._expect("(")
        value: Expression = (lambda row: row) if self._take("*") else self._arithmetic()
        self._expect(")")
        self._expect("as")
        name = self._next()
        if function not in _AGGREGATES:
            raise ValueError(f"the function {function} is not known here")
        reduce = _AGGREGATES[function]
        return name, lambda rows: reduce([(value(row), row["@timestamp"]) for row in rows])

    def _group(self) -> tuple[str, Expression]:
        name = self._field_or_word()
        if name != "bin":
            self._read(name)
            return name, lambda row: row.get(name)
        self._expect("(")
        period = self._next()
        self._expect(")")
        milliseconds = int(period[:-1]) * _SECONDS[period[-1]] * 1000
        return f"bin({period})", lambda row: row["@timestamp"] // milliseconds * milliseconds

    def _or(self) -> Expression:
        terms = [self._and()]
        while self._take("or"):
            terms.append(self._and())
        return lambda row: any(term(row) for term in terms)

    def _and(self) -> Expression:
        terms = [self._not()]
        while self._take("and"):
            terms.append(self._not())
        return lambda row: all(term(row) for term in terms)

    def _not(self) -> Expression:
        if self._take("not"):
            condition = self._not()
            return lambda row: not condition(row)
        if self._take("("):
            condition = self._or()
            self._expect(")")
            return condition
        return self._comparison()

    def _comparison(self) -> Expression:
        left = self._arithmetic()
        if sign := self._take(*_COMPARISONS):
            right, compare = self._arithmetic(), _COMPARISONS[sign]
            return lambda row: _compared(compare, left(row), right(row))
        if self._take("in"):
            self._expect("[")
            values = self._list(self._constant)
            self._expect("]")
            return lambda row: left(row) in values
        is_wanted = not self._take("not")
        if self._take("like"):
            pattern = self._next()
            if pattern[0] not in "/'":
                raise ValueError(f"like takes a text or a pattern, not {pattern}")
            regex = re.compile(pattern[1:-1] if pattern[0] == "/" else re.escape(pattern[1:-1]))
            return lambda row: bool(regex.search(left(row) or "")) is is_wanted
        if not is_wanted:
            raise ValueError("`not` must be followed by `like` here")
        return left

    def _arithmetic(self, level: int = 0) -> Expression:
        if level == len(_ARITHMETIC):
            return self._operand()
        left = self._arithmetic(level + 1)
        while sign := self._take(*_ARITHMETIC[level]):
            left = _applied(_ARITHMETIC[level][sign], left, self._arithmetic(level + 1))
        return left

    def _operand(self) -> Expression:
        if self._tokens[0][0] in "'0123456789":
            value = self._constant()
            return lambda row: value
        name = self._field_or_word()
        if not self._take("("):
            self._read(name)
            return lambda row: row.get(name)
        arguments = self._list(self._arithmetic)
        self._expect(")")
        if name == "ispresent" and len(arguments) == 1:
            return lambda row: arguments[0](row) is not None
        if name == "strcontains" and len(arguments) == 2:
            return lambda row: int(arguments[1](row) in arguments[0](row))
        raise ValueError(f"the function {name} is not known here")

    def _constant(self) -> str | float:
        token = self._next()
        return token[1:-1] if token[0] == "'" else float(token)

    def _field(self) -> str:
        name = self._field_or_word()
        self._read(name)
        return name

    def _field_or_word(self) -> str:
        token = self._next()
        if not re.fullmatch(r"[@A-Za-z_][\w.@]*", token):
            raise ValueError(f"a name expected, not {token}")
        return token

    def _read(self, name: str) -> None:
        if self._columns is None:
            self.fields.add(name)
        elif name not in self._columns:
            raise ValueError(f"stats leaves no column {name}")

    def _list(self, item: Callable[[], T]) -> list[T]:
        items = [item()]
        while self._take(","):
            items.append(item())
        return items


def _tokens(text: str) -> Iterable[str]:
    position = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"not known here: {text[position : position + 20]}")
        position = match.end()
        yield match[match.lastgroup or 0]


def _compared(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    """Compare two values. AWS does not document what an inequality with an absent field is."""
    if left is not None and right is not None:
        return compare(left, right)
    if compare is not eq:
        raise ValueError("an inequality with a field that is not there")
    return False


def _applied(operator: Callable[[Any, Any], Any], left: Expression, right: Expression) -> Expression:
    def apply(row: Record) -> Any:
        values = left(row), right(row)
        return None if None in values else operator(*values)

    return apply


Values = Sequence[tuple[Any, int]]
"""The values of an expression, each with the time of its log event. None: a field is not there."""


def _present(values: Values) -> list[Any]:
    return [value for value, _ in values if value is not None]


def _latest(values: Values, sign: int = 1) -> Any:
    present = [(time * sign, value) for value, time in values if value is not None]
    return max(present, key=lambda pair: pair[0], default=(0, None))[1]


_AGGREGATES: dict[str, Callable[[Values], Any]] = {
    "count": lambda values: len(_present(values)),
    "sum": lambda values: sum(_present(values)),
    "min": lambda values: min(_present(values), default=None),
    "max": lambda values: max(_present(values), default=None),
    "latest": _latest,
    "earliest": lambda values: _latest(values, sign=-1),
}
