"""What a receiver gets."""

import json
from datetime import UTC, datetime

from lightnvr.events.model import EventChange
from lightnvr.events.telling.messages import detection_member

VERSION = 1


def payload(change: EventChange) -> str:
    """Return the JSON of a change; `id` is the same however often it arrives."""
    event = change.event
    return json.dumps(
        {
            "version": VERSION,
            "id": f"change-{change.number}",
            "kind": change.kind,
            "time": iso_of(change.at_us),
            "event": {
                "id": event.id,
                "stream": event.stream_name,
                "start": iso_of(event.start_us),
                "end": None if event.end_us is None else iso_of(event.end_us),
                "origins": list(event.origins),
                "labels": [
                    {"label": label.label, "count": label.count, "score": label.score} for label in event.labels
                ],
                "score": event.score,
                "zones": list(event.zones),
                "picture": event.picture_address,
                "recording_id": event.recording_id,
                "interrupted": event.interrupted,
            },
            "detections": [detection_member(detection) for detection in change.seen],
        }
    )


def test_payload(at_s: float) -> str:
    """Return the JSON of a message that says nothing but that it arrived."""
    return json.dumps(
        {"version": VERSION, "id": f"test-{int(at_s * 1e6)}", "kind": "test", "time": iso_of(int(at_s * 1e6))}
    )


def iso_of(at_us: int) -> str:
    """Return a time in ISO 8601, in UTC."""
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
