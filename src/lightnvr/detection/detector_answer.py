"""What an external detector says is in a picture."""

import json
import math
from typing import TypeAlias

from lightnvr.detection.detector import Found
from lightnvr.recording.detection import Box

_MOST_FOUND = 100
_LONGEST = 31
"""Bytes of a label or the id of a zone."""
_EDGES = ("x_min", "y_min", "x_max", "y_max")

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


class UnreadableAnswer(ValueError):
    """The answer is none; the text is a sentence."""


def read_answer(content: bytes) -> list[Found]:
    """Return what is in the picture; things that say nothing usable are left out. Raises UnreadableAnswer."""
    try:
        answer: Json = json.loads(content)
    except (ValueError, RecursionError):
        raise UnreadableAnswer("The detector's answer is not JSON.") from None
    listed = answer.get("detections") if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        raise UnreadableAnswer("The detector's answer has no list of detections.")
    found: list[Found] = []
    for item in listed:
        if len(found) == _MOST_FOUND:
            break
        if (thing := _found(item)) is not None:
            found.append(thing)
    return found


def _found(item: Json) -> Found | None:
    if not isinstance(item, dict):
        return None
    label, score, box = _text(item.get("label")), _number(item.get("confidence")), _box(item)
    if not label or score is None or not 0 <= score <= 1 or box is None:
        return None
    track = _number(item.get("track_id"))
    # Larger numbers would not fit the database.
    track_id = int(track) if track is not None and 0 <= track < 2**31 else None
    return Found(label, score, box, track_id, _text(item.get("zone_id")))


def _box(item: dict[str, Json]) -> Box | None:
    within = item.get("bounding_box")
    edges = within if isinstance(within, dict) else item
    left, top, right, bottom = (_number(edges.get(name)) for name in _EDGES)
    if left is None or top is None or right is None or bottom is None:
        return None
    left, top, right, bottom = (min(1.0, max(0.0, edge)) for edge in (left, top, right, bottom))
    if right <= left or bottom <= top:
        return None
    return Box(left, top, right - left, bottom - top)


def _number(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _text(value: Json) -> str:
    if not isinstance(value, str):
        return ""
    printable = "".join(character for character in value.strip() if character.isprintable())
    return printable.encode("utf-8", "ignore")[:_LONGEST].decode("utf-8", "ignore")
