"""Milliseconds until others are told: of a trigger of the API, and of what appears in a picture.

From a trigger to the change of state, the MQTT message and the server-sent event; and from the moment that a camera
sends the first picture with somebody in it, seen by built-in motion in every picture.
The broker is mosquitto, who listens there mosquitto_sub. The message comes after its picture, which is decoded for it.
"""

import argparse
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx

from benchmarks.appearing import APPEARS, appearing_clip
from benchmarks.cameras import camera_process
from benchmarks.ears import Ear, at_broker, at_events, broker
from benchmarks.inside import StateChanges, server_inside
from benchmarks.live_cameras import LiveCamera, live_cameras
from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.processes import NeverHappened, wait_until
from benchmarks.server import Camera, LightNvr, lightnvr_server
from benchmarks.table import Table, percentile, verdict

_STATE_MS = 20.0
_TOLD_MS = 500.0
_REST_S = 0.3


@dataclass(frozen=True, slots=True)
class Taken:
    """Milliseconds after triggers: until the state changes, the answer, the MQTT message, the server-sent event."""

    state: list[float] = field(default_factory=list)
    answer: list[float] = field(default_factory=list)
    mqtt: list[float] = field(default_factory=list)
    sse: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Seen:
    """Milliseconds after something appeared: until the MQTT message and the server-sent event."""

    mqtt: list[float] = field(default_factory=list)
    sse: list[float] = field(default_factory=list)


def main() -> None:
    """Run and print."""
    options = parser("event_latency", __doc__)
    options.add_argument("--cameras", type=positive, default=16, help="recorded meanwhile; one of them is triggered")
    options.add_argument("--triggers", type=positive, default=200)
    options.add_argument("--appearances", type=positive, default=15, help="20 s each")
    arguments = options.parse_args()
    with workplace(arguments) as folder, broker(folder) as port, at_broker(port) as topics:
        environment = {
            "LIGHTNVR_MQTT_ENABLED": "true",
            "LIGHTNVR_MQTT_BROKER_HOST": "127.0.0.1",
            "LIGHTNVR_MQTT_BROKER_PORT": str(port),
        }
        taken, seen = Taken(), Seen()
        with camera_process(arguments.cache, arguments.cameras) as cameras:
            _change_states(arguments.triggers, cameras, folder / "inside", taken)
            with lightnvr_server(folder / "nvr", environment) as server:
                server.start()
                server.add(cameras)
                server.wait_until_recording(cameras)
                with at_events(server.client) as changes:
                    _tell(arguments.triggers, cameras[0], server, topics, changes, taken)
        with (
            live_cameras(arguments.cache, 1, 1, appearing_clip()) as watched,
            lightnvr_server(folder / "seeing", environment | {"LIGHTNVR_DETECTION_EVERY_PICTURE": "*"}) as server,
        ):
            server.start()
            server.add([watched[0].camera])
            server.wait_until_recording([watched[0].camera])
            with at_events(server.client) as changes:
                _appear(arguments.appearances, watched[0], server, topics, changes, seen)
    report(_table(arguments, taken, seen), arguments)


def _appear(count: int, camera: LiveCamera, server: LightNvr, topics: Ear, changes: Ear, seen: Seen) -> None:
    members = {"detection_based_recording": True, "detection_model": "motion", "detection_interval": 1}
    server.client.put(f"/api/streams/{camera.name}", json=members).raise_for_status()
    before = len(_appearances(camera))
    for number in range(count):
        wait_until(partial(_has_appeared, camera, before + number), "somebody appears", every_s=0.01)
        at = _appearances(camera)[before + number]
        seen.sse.append((changes.first(f"began {camera.name}", at) - at) * 1000)
        seen.mqtt.append((topics.first(f"lightnvr/detections/{camera.name}", at) - at) * 1000)
        changes.first(f"ended {camera.name}", at)
    say(f"{count} appearances, median of the MQTT message {percentile(seen.mqtt, 50):.1f} ms")


def _has_appeared(camera: LiveCamera, times: int) -> bool:
    return len(_appearances(camera)) > times


def _appearances(camera: LiveCamera) -> list[float]:
    return [frame.at for frame in camera.sent() if frame.number == APPEARS]


def _change_states(count: int, cameras: Sequence[Camera], folder: Path, taken: Taken) -> None:
    """Trigger a server whose state machines can be looked at, while it records."""
    states, rng = StateChanges(), random.Random(2)
    with server_inside(folder, states) as client:
        for camera in cameras:
            client.post("/api/streams", json={"name": camera.name, "url": camera.url}).raise_for_status()
        wait_until(partial(_are_recorded, client, len(cameras)), "every camera is recorded")
        _record_events(client, cameras[0])
        for _ in range(count):
            time.sleep(rng.uniform(0, _REST_S))
            at, _ = _trigger(client, cameras[0], "start", label="person")
            taken.state.append((states.began_at[-1] - at) * 1000)
            _trigger(client, cameras[0], "stop")
    if len(states.began_at) != count:
        raise NeverHappened(f"{count} triggers changed the state {len(states.began_at)} times.")
    say(f"{count} changes of state, median {percentile(taken.state, 50):.1f} ms")


def _are_recorded(client: httpx.Client, count: int) -> bool:
    rows = client.get("/api/recordings").raise_for_status().json()["recordings"]
    return len({row["stream"] for row in rows}) == count


def _record_events(client: httpx.Client, camera: Camera) -> None:
    client.put(f"/api/streams/{camera.name}", json={"detection_based_recording": True}).raise_for_status()


def _tell(count: int, camera: Camera, server: LightNvr, topics: Ear, changes: Ear, taken: Taken) -> None:
    """Trigger a server in a process of its own, and listen."""
    _record_events(server.client, camera)
    rng = random.Random(1)
    topic = f"lightnvr/detections/{camera.name}"
    for number in range(count):
        # Not in step with anything that the server does now and then.
        time.sleep(rng.uniform(0, _REST_S))
        at, answered = _trigger(server.client, camera, "start", label="person")
        taken.answer.append((answered - at) * 1000)
        taken.sse.append((changes.first(f"began {camera.name}", at) - at) * 1000)
        taken.mqtt.append((topics.first(topic, at) - at) * 1000)
        at, _ = _trigger(server.client, camera, "stop")
        changes.first(f"ended {camera.name}", at)
        if number % 50 == 49:
            say(f"{number + 1} triggers, median of the MQTT message {percentile(taken.mqtt, 50):.1f} ms")


def _trigger(client: httpx.Client, camera: Camera, action: str, **members: str) -> tuple[float, float]:
    """Trigger; return when that was sent and when it was answered."""
    body = {"stream": camera.name, "action": action, **members}
    began = time.monotonic()
    answer = client.post("/api/motion/trigger", json=body)
    answered = time.monotonic()
    answer.raise_for_status()
    return began, answered


def _row(name: str, times: Sequence[float], target: float | None) -> tuple[str, ...]:
    p95 = percentile(times, 95)
    judged = ("", "") if target is None else (f"≤ {target:g} ms", verdict(p95, target))
    return name, f"{percentile(times, 50):.1f}", f"{p95:.1f}", f"{max(times):.1f}", *judged


def _table(arguments: argparse.Namespace, taken: Taken, seen: Seen) -> Table:
    rows = (
        _row("trigger to state change", taken.state, _STATE_MS),
        _row("trigger to its answer, when it is stored", taken.answer, None),
        _row("trigger to server-sent event", taken.sse, _TOLD_MS),
        _row("trigger to MQTT message, with picture", taken.mqtt, _TOLD_MS),
        _row("appearing to server-sent event", seen.sse, _TOLD_MS),
        _row("appearing to MQTT message, with picture", seen.mqtt, _TOLD_MS),
    )
    notes = (
        f"{arguments.triggers} triggers that name something, one after the other, while {arguments.cameras} cameras "
        "(1280x720, 15 fps) are recorded. For the change of state the server runs in a thread of this program, which "
        "is told by its state machines; for the others in a process of its own. Then "
        f"one camera alone (1280x720, 15 fps), {arguments.appearances} times with somebody who comes into a still "
        "picture, seven pictures after a keyframe. Targets are for p95."
    )
    return Table("How soon others are told", ("ms", "p50", "p95", "most", "target", ""), rows, notes)


if __name__ == "__main__":
    main()
