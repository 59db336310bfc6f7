"""Shapes of JSON values: which members there are, of which types.

A shape is written as `{success: boolean, info?: {width: integer}, tags: [string], why: string|null}`. Other members
may be there too. `[T]+` is a list that is not empty, `'word'` and `7` are values, `A & B` is what has the members of
both, `time` is text such as `2026-08-01T12:00:00Z`, `absent` a member that must not be there. Words with a capital are
shapes that the table gives a name.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_TOKEN = re.compile(r"\s*(?:#[^\n]*|(\w+\??|-?\d+|'[^']*'|[{}\[\]|&:,+]))")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class MalformedShape(ValueError):
    """A shape of the table cannot be read; the text says where."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of JSON, or a named shape."""

    name: str


@dataclass(frozen=True, slots=True)
class Exactly:
    """One value."""

    value: str | int


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of values of one shape."""

    item: "Shape"
    is_filled: bool


@dataclass(frozen=True, slots=True)
class Members:
    """An object with these members; those in `optional` need not be there."""

    shapes: Mapping[str, "Shape"]
    optional: frozenset[str]


@dataclass(frozen=True, slots=True)
class Any:
    """One of several shapes."""

    choices: tuple["Shape", ...]


@dataclass(frozen=True, slots=True)
class All:
    """Several shapes at once."""

    parts: tuple["Shape", ...]


Shape = Kind | Exactly | ListOf | Members | Any | All


def parse(text: str) -> Shape:
    """Return the shape that is written. Raises MalformedShape."""
    tokens = [match[1] for match in _TOKEN.finditer(text) if match[1]]
    if "".join(tokens) != re.sub(r"\s+|#[^\n]*", "", text):
        raise MalformedShape(text)
    reader = _Reader(tokens, text)
    shape = reader.either()
    if reader.tokens:
        raise MalformedShape(f"{reader.tokens} left over in {text}")
    return shape


class _Reader:
    def __init__(self, tokens: list[str], text: str) -> None:
        self.tokens = tokens
        self._text = text

    def either(self) -> Shape:
        choices = [self._both()]
        while self._take("|"):
            choices.append(self._both())
        return choices[0] if len(choices) == 1 else Any(tuple(choices))

    def _both(self) -> Shape:
        parts = [self._one()]
        while self._take("&"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self) -> Shape:
        token = self._next()
        if token == "{":
            return self._members()
        if token == "[":
            item = self.either()
            self._expect("]")
            return ListOf(item, self._take("+"))
        if token.startswith("'"):
            return Exactly(token[1:-1])
        if token.lstrip("-").isdigit():
            return Exactly(int(token))
        if token.isidentifier():
            return Kind(token)
        raise MalformedShape(f"{token} in {self._text}")

    def _members(self) -> Members:
        shapes: dict[str, Shape] = {}
        optional = set()
        while not self._take("}"):
            name = self._next()
            if name.endswith("?"):
                name = name[:-1]
                optional.add(name)
            self._expect(":")
            shapes[name] = self.either()
            self._take(",")
        return Members(shapes, frozenset(optional))

    def _next(self) -> str:
        if not self.tokens:
            raise MalformedShape(f"{self._text} ends too early")
        return self.tokens.pop(0)

    def _take(self, token: str) -> bool:
        if self.tokens[:1] == [token]:
            self.tokens.pop(0)
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise MalformedShape(f"{token} is missing before {self.tokens[:3]} in {self._text}")


def problems(shape: Shape, value: object, named: Mapping[str, Shape], where: str = "") -> Iterator[str]:
    """Yield a sentence for everything in which a value is not of a shape."""
    match shape:
        case Kind(name) if name in named:
            yield from problems(named[name], value, named, where)
        case Kind(name):
            if not _is(name, value):
                yield f"{where or 'it'} must be {name}, not {_short(value)}"
        case Exactly(expected):
            if value != expected or isinstance(value, bool):
                yield f"{where or 'it'} must be {expected!r}, not {_short(value)}"
        case ListOf():
            yield from _list_problems(shape, value, named, where)
        case Members():
            yield from _member_problems(shape, value, named, where)
        case Any(choices):
            found = [list(problems(choice, value, named, where)) for choice in choices]
            if all(found):
                yield from min(found, key=len)
        case All(parts):
            for part in parts:
                yield from problems(part, value, named, where)


def _list_problems(shape: ListOf, value: object, named: Mapping[str, Shape], where: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{where or 'it'} must be a list, not {_short(value)}"
        return
    if shape.is_filled and not value:
        yield f"{where or 'it'} must not be empty"
    for number, each in enumerate(value):
        yield from problems(shape.item, each, named, f"{where}[{number}]")


def _member_problems(shape: Members, value: object, named: Mapping[str, Shape], where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where or 'it'} must be an object, not {_short(value)}"
        return
    for name, member in shape.shapes.items():
        place = f"{where}.{name}".lstrip(".")
        if member == Kind("absent"):
            if name in value:
                yield f"{place} must not be there"
        elif name not in value:
            if name not in shape.optional:
                yield f"{place} is missing"
        else:
            yield from problems(member, value[name], named, place)


def _is(kind: str, value: object) -> bool:
    match kind:
        case "any":
            return True
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "time":
            return isinstance(value, str) and _TIME.fullmatch(value) is not None
        case "object":
            return isinstance(value, dict)
        case _:
            raise MalformedShape(f"{kind} is not the name of a shape")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
