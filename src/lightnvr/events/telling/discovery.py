"""What Home Assistant is told so that it finds the streams by itself (MQTT discovery)."""

import json
from collections.abc import Iterable, Mapping

from lightnvr.events.telling.messages import ToldStream

_HOME_PAGE = "https://github.com/opensensor/lightNVR"


def availability_topic(prefix: str) -> str:
    """Return where it is said whether the server is there."""
    return f"{prefix}/availability"


def discovery(streams: Iterable[ToldStream], prefix: str, ha_prefix: str, version: str) -> Mapping[str, str]:
    """Return the payload for each topic: a camera, a motion sensor and a counter for each stream that is enabled."""
    common = {
        "availability": [
            {
                "topic": availability_topic(prefix),
                "payload_available": "online",
                "payload_not_available": "offline",
            }
        ],
        "device": {
            "identifiers": ["lightnvr"],
            "name": "LightNVR",
            "manufacturer": "OpenSensor",
            "model": "LightNVR",
            "sw_version": version,
        },
        "origin": {"name": "LightNVR", "sw": version, "url": _HOME_PAGE},
    }
    found: dict[str, str] = {}
    for stream in streams:
        if not stream.enabled:
            continue
        safe, of_camera = stream.safe, f"{prefix}/cameras/{stream.safe}"
        camera = {
            "unique_id": f"lightnvr_{safe}_camera",
            "name": stream.name,
            "topic": f"{of_camera}/snapshot",
            "encoding": "",
        }
        motion = {
            "unique_id": f"lightnvr_{safe}_motion",
            "name": f"{stream.name} Motion",
            "state_topic": f"{of_camera}/motion",
            "payload_on": "ON",
            "payload_off": "OFF",
            "device_class": "motion",
        }
        count = {
            "unique_id": f"lightnvr_{safe}_detection_count",
            "name": f"{stream.name} Detections",
            "state_topic": f"{of_camera}/detection_count",
            "icon": "mdi:motion-sensor",
        }
        for topic, entity in (
            (f"camera/lightnvr/{safe}", camera),
            (f"binary_sensor/lightnvr/{safe}_motion", motion),
            (f"sensor/lightnvr/{safe}_detection_count", count),
        ):
            found[f"{ha_prefix}/{topic}/config"] = json.dumps(entity | common)
    return found


def is_ours(payload: bytes, prefix: str) -> bool:
    """Whether a retained discovery payload is of a LightNVR with this topic prefix; others may share the broker."""
    try:
        entity = json.loads(payload)
    except ValueError:
        return False
    if not isinstance(entity, dict):
        return False
    place = entity.get("state_topic") or entity.get("topic") or ""
    return str(entity.get("unique_id", "")).startswith("lightnvr_") and str(place).startswith(f"{prefix}/cameras/")
