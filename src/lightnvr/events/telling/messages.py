"""What a detection message says; the same in MQTT and beside each change in a webhook."""

import json
import re
from dataclasses import dataclass

from lightnvr.events.edges import Origin
from lightnvr.events.model import EventChange
from lightnvr.events.pictures import picture_name
from lightnvr.recording.detection import Detection

_BY_HAND = frozenset({Origin.API, Origin.TEST, Origin.LINK})


@dataclass(frozen=True, slots=True)
class ToldStream:
    """A stream as others are told of it. `safe` is its name in topics and paths; `watched` whether it has pictures."""

    id: int
    name: str
    safe: str
    enabled: bool
    watched: bool


def safe_name(text: str) -> str:
    """Return a text for a topic: letters, digits and `-` stay, all else becomes `_`."""
    return re.sub(r"[^A-Za-z0-9-]", "_", text)


def level_name(label: str) -> str:
    """Return a label as one level of a topic: only what has a meaning in topics, or may not be in them, becomes `_`."""
    return re.sub(r"[+#/\x00-\x1f\x7f\ud800-\udfff]", "_", label)


def told_of(change: EventChange) -> tuple[Detection, ...]:
    """Return what was seen now and is worth telling: a trigger that named nothing saw nothing."""
    by_hand = _BY_HAND.issuperset(change.event.origins)
    return tuple(
        detection
        for detection in change.seen
        if not (by_hand and detection.label == "motion" and detection.box.width == 0 == detection.box.height)
    )


def detection_member(detection: Detection) -> dict[str, object]:
    """Return one detection as it is on the wire."""
    box = detection.box
    member: dict[str, object] = {
        "label": detection.label,
        "confidence": detection.score,
        "x": box.x,
        "y": box.y,
        "width": box.width,
        "height": box.height,
    }
    if detection.track_id is not None and detection.track_id >= 0:
        member["track_id"] = detection.track_id
    if detection.zone:
        member["zone_id"] = detection.zone
    return member


def detections_message(change: EventChange, safe: str) -> str:
    """Return the content of an outbox message for MQTT: the stream's topic, where the picture will be, the payload.

    An event that begins gets its picture a moment later, of which the name is known.
    """
    seen = told_of(change)
    payload = {
        "stream": change.event.stream_name,
        "timestamp": change.at_us // 1_000_000,
        "count": len(seen),
        "detections": [detection_member(detection) for detection in seen],
    }
    event = change.event
    picture = f"{event.picture_folder or safe}/{event.picture or picture_name(event.start_us, event.id)}"
    return json.dumps({"safe": safe, "picture": picture, "number": change.number, "payload": payload})
