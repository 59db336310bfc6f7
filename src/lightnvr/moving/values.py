"""Reading single values of the original, whose columns hold what its programs of many versions wrote."""

from lightnvr.moving.original import Value

_MOST_SECONDS = 2**40


def text(value: Value) -> str:
    """Return a value as text; nothing is empty text."""
    return "" if value is None else str(value)


def number(value: Value) -> float | int | None:
    """Return a value as a number, None when it is none."""
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            try:
                return float(value)
            except ValueError:
                return None
    return value


def whole(value: Value, default: int = 0) -> int:
    """Return a value as a whole number, or `default` when it is none."""
    found = number(value)
    if isinstance(found, float) and not found.is_integer():
        return default
    return default if found is None else int(found)


def flag(value: Value, *, default: bool) -> bool:
    """Return a value as yes or no: any number but 0 is yes."""
    found = number(value)
    return default if found is None else bool(found)


def seconds(value: Value) -> int:
    """Return a time in seconds since 1970 UTC, 0 when there is none that can be true."""
    found = whole(value)
    return found if 0 < found < _MOST_SECONDS else 0


def schedule(value: Value) -> tuple[bool, ...]:
    """Return the 168 hours of a week. What is missing or cannot be read is chosen, as in the original."""
    hours = [part.strip() for part in text(value).split(",")][:168]
    chosen = [number(part) != 0 for part in hours]
    return (*chosen, *(True,) * (168 - len(chosen)))
