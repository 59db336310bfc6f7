"""Which settings there are, and in which words their type and range are told."""

from collections.abc import Iterator
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Le, MaxLen
from pydantic.fields import FieldInfo

from lightnvr.config.kinds import LEAST_TOTAL_SIZE, Section
from lightnvr.config.settings import Settings


def sections() -> dict[str, type[Section]]:
    """Return the sections of lightnvr.ini in their order."""
    found = {}
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            found[name] = field.annotation
    return found


def every_setting() -> Iterator[tuple[str, str, FieldInfo]]:
    """Yield section, key and description of each setting."""
    for name, section in sections().items():
        for key, field in section.model_fields.items():
            yield name, key, field


def field_of(section: str, key: str) -> FieldInfo | None:
    """Return the description of one setting, or None when there is no such setting."""
    known = sections().get(section)
    return None if known is None else known.model_fields.get(key)


def allowed(field: FieldInfo) -> str:
    """Say what a setting can be, such as "a whole number from 1 to 65535"."""
    if get_origin(field.annotation) is Literal:
        return "one of " + ", ".join(str(value) for value in get_args(field.annotation))
    if field.annotation is bool:
        return "true or false"
    if field.annotation in {int, float}:
        kind = "a whole number" if field.annotation is int else "a number"
        low = next((item.ge for item in field.metadata if isinstance(item, Ge)), None)
        high = next((item.le for item in field.metadata if isinstance(item, Le)), None)
        if "_no_small_limit" in _checks(field):
            return f"0 or {kind} from {LEAST_TOTAL_SIZE} to {high}"
        return f"{kind} from {low} to {high}"
    return _allowed_text(field)


def _checks(field: FieldInfo) -> set[str]:
    return {getattr(getattr(item, "func", None), "__name__", "") for item in field.metadata}


def _allowed_text(field: FieldInfo) -> str:
    checks = _checks(field)
    if "_ip_address" in checks:
        return "an IP address, such as 0.0.0.0 or ::"
    if "_ip_addresses" in checks:
        return "IP addresses, separated by commas"
    if "checked_folders" in checks:
        return "names and folders, such as archive=/mnt/archive, separated by commas"
    if "_networks" in checks:
        return "networks such as 10.0.0.0/8, separated by commas"
    if field.annotation is not str:
        return "a path"
    limit = next((item.max_length for item in field.metadata if isinstance(item, MaxLen)), None)
    return "text" if limit is None else f"text of at most {limit} characters"
