"""Types for the members of a stream, each of which says what it allows when it refuses a value."""

import math
from dataclasses import dataclass

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


def _refuse(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("not_allowed", "{sentence}", {"sentence": sentence})


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within a range, both ends included, `or_zero`. Text and booleans are refused."""

    low: int
    high: int
    or_zero: bool = False

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            self._read, core_schema.int_schema(ge=0 if self.or_zero else self.low, le=self.high)
        )

    def _read(self, value: object) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not self._allows(value):
            zero = "0 or " if self.or_zero else ""
            raise _refuse(f"must be {zero}a whole number from {self.low} to {self.high}")
        return value

    def _allows(self, value: int) -> bool:
        return self.low <= value <= self.high or (self.or_zero and value == 0)


@dataclass(frozen=True, slots=True)
class Number:
    """A number within a range, both ends included."""

    low: float
    high: float

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            self._read, core_schema.float_schema(ge=self.low, le=self.high)
        )

    def _read(self, value: object) -> float:
        number = _number(value)
        if number is None or not self.low <= number <= self.high:
            raise _refuse(f"must be a number from {self.low:g} to {self.high:g}")
        return number


@dataclass(frozen=True, slots=True)
class Threshold:
    """A fraction from 0 to 1. Numbers above 1 and up to 100 are percentages, as older clients send them."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            self._read,
            core_schema.float_schema(ge=0, le=1),
            json_schema_input_schema=core_schema.float_schema(ge=0, le=100),
        )

    def _read(self, value: object) -> float:
        number = _number(value)
        if number is None or not 0 <= number <= 100:
            raise _refuse("must be a fraction from 0 to 1, or a percentage above 1 and up to 100")
        return number if number <= 1 else number / 100


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false; 1 and 0 mean the same."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            read_flag,
            core_schema.bool_schema(),
            json_schema_input_schema=core_schema.union_schema(
                [core_schema.bool_schema(), core_schema.literal_schema([0, 1])]
            ),
        )


@dataclass(frozen=True, slots=True)
class Text:
    """Text without control characters. With `clearable`, null means empty; with `lines`, it may have several lines."""

    max_characters: int
    clearable: bool = False
    lines: bool = False

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(max_length=self.max_characters)
        return core_schema.no_info_before_validator_function(
            self._read,
            core_schema.str_schema(),
            json_schema_input_schema=core_schema.nullable_schema(text) if self.clearable else text,
        )

    def _read(self, value: object) -> str:
        if value is None and self.clearable:
            return ""
        if not isinstance(value, str):
            raise _refuse("must be text")
        if len(value) > self.max_characters:
            raise _refuse(f"must have at most {self.max_characters} characters")
        if not is_storable(value, lines=self.lines):
            raise _refuse("must not hold control characters")
        return value


@dataclass(frozen=True, slots=True)
class WeekSchedule:
    """168 times true or false, one for each hour of the week: index = weekday * 24 + hour, weekday 0 is Sunday."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        hours = core_schema.list_schema(core_schema.bool_schema(), min_length=HOURS, max_length=HOURS)
        return core_schema.no_info_plain_validator_function(
            self._read,
            json_schema_input_schema=hours,
            serialization=core_schema.plain_serializer_function_ser_schema(list, return_schema=hours),
        )

    def _read(self, value: object) -> tuple[bool, ...]:
        if not isinstance(value, (list, tuple)) or len(value) != HOURS:
            raise _refuse(
                f"must be a list of {HOURS} times true or false, one for each hour of a week from Sunday 0:00"
            )
        return tuple(read_flag(hour) for hour in value)


HOURS = 7 * 24
ALWAYS = (True,) * HOURS


def read_flag(value: object) -> bool:
    """Return the truth value of true, false, 1 or 0; anything else is refused."""
    if isinstance(value, bool) or (isinstance(value, (int, float)) and value in {0, 1}):
        return bool(value)
    raise _refuse("must be true or false")


def is_storable(text: str, *, lines: bool = False) -> bool:
    """Whether every database can hold this text and no log line can be forged with it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    allowed = "\n\r\t" if lines else ""
    return all(not _is_control(character) or character in allowed for character in text)


def _is_control(character: str) -> bool:
    # C0, DEL and C1: some terminals take those of C1 for the beginning of a sequence too.
    return character < " " or "\x7f" <= character <= "\x9f"


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
