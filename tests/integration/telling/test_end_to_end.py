"""What a trigger leads to elsewhere: MQTT messages and signed webhooks, also over `kill -9` of server and broker."""

import asyncio
import hmac
import json
import signal
import ssl
import time
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from tests.cameras import camera
from tests.integration.telling.test_posting import Receiver, receiver
from tests.integration.telling.test_server import client_of, environment, serving
from tests.rig.broker import Broker, Heard, broker, listening
from tests.rig.certificates import certificates
from tests.rig.motion_scenes import MotionScene, Pass, Scenery
from tests.rig.nvr import PATIENCE_S, Row, eventually
from tests.rig.scene_clips import scene_clip

_SECRET = "correct horse"
_DETECTIONS = "lightnvr/detections/Front_Door"
_NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


async def trigger(client: httpx.AsyncClient, action: str, *, label: str | None = None) -> None:
    """Say that something begins or ends in front of the door."""
    named = {} if label is None else {"label": label, "confidence": 0.8}
    answer = await client.post("/api/motion/trigger", json={"stream": "Front Door", "action": action, **named})
    assert answer.status_code == 202, answer.text


async def add_stream(client: httpx.AsyncClient, name: str, url: str, **members: object) -> None:
    """Add a stream that is recorded when something happens."""
    body = {"name": name, "url": url, "record": False, "detection_based_recording": True, **members}
    (await client.post("/api/streams", json=body)).raise_for_status()


async def connected(client: httpx.AsyncClient, name: str) -> None:
    """Wait until pictures of a stream come."""
    ends = time.monotonic() + PATIENCE_S
    while not (await client.get(f"/api/streams/{name}/snapshot")).is_success:
        assert time.monotonic() < ends, f"{name} has no picture"
        await asyncio.sleep(0.05)


def verified(there: Receiver, secret: str = _SECRET) -> list[Row]:
    """The messages of a receiver, which checks each as the documentation says."""
    found: list[Row] = []
    for got in there.got:
        head, _, body = got.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().lower().split("\r\n")[1:])
        timestamp = fields["x-lightnvr-timestamp"]
        expected = "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, sha256).hexdigest()
        assert hmac.compare_digest(expected, fields["x-lightnvr-signature"])
        assert abs(time.time() - int(timestamp)) < 300
        found.append(json.loads(body))
    return found


def told(there: Receiver) -> list[tuple[str, str, tuple[str, ...]]]:
    """What a receiver knows: kind, stream and origins, in any order of the streams."""
    return sorted({(row["kind"], row["event"]["stream"], tuple(row["event"]["origins"])) for row in verified(there)})


async def test_a_trigger_is_told_by_mqtt_with_its_picture_and_by_a_webhook_with_its_signature(tmp_path: Path) -> None:
    authority, certificate, key = certificates(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    async with (
        camera() as cam,
        broker(tmp_path) as there,
        listening(there) as listener,
        receiver(tls=tls) as hook,
        serving(tmp_path, environment(there) | {"SSL_CERT_FILE": str(authority)}) as server,
        client_of(server) as client,
    ):
        await add_stream(client, "Front Door", cam.url)
        await add_stream(client, "Porch", cam.url, motion_trigger_source="Front Door")
        body = {"name": "House", "url": hook.url, "secret": _SECRET, "filters": {"kinds": ["began", "ended"]}}
        (await client.post("/api/webhooks", json=body)).raise_for_status()
        await connected(client, "Front Door")

        await trigger(client, "start", label="person")
        for name in ("Front_Door", "Porch"):
            await listener.hears_payload(f"lightnvr/cameras/{name}/motion", b"ON")
        [first] = await listener.hears(_DETECTIONS)
        place = [heard.topic for heard in listener.heard].index(_DETECTIONS)
        assert listener.heard[place - 1].topic == f"{_DETECTIONS}/snapshot", "the picture comes just before"
        assert listener.heard[place - 1].payload.startswith(b"\xff\xd8")
        assert (first.json["stream"], first.json["count"]) == ("Front Door", 1)
        assert first.json["snapshot_topic"] == f"{_DETECTIONS}/snapshot"
        await listener.hears_payload("lightnvr/cameras/Front_Door/person", b"1")

        while "snapshot_url" not in (last := listener.of(_DETECTIONS)[-1].json):
            count = len(listener.of(_DETECTIONS))
            await trigger(client, "start", label="person")
            await listener.hears(_DETECTIONS, count + 1)
        shown = await client.get(str(last["snapshot_url"]))
        stored = Path(str(last["snapshot_path"]))
        assert shown.content == await asyncio.to_thread(stored.read_bytes)
        assert shown.content.startswith(b"\xff\xd8")

        await trigger(client, "stop")
        expected = [
            (kind, *of) for kind in ("began", "ended") for of in (("Front Door", ("api",)), ("Porch", ("link",)))
        ]
        await eventually(lambda: told(hook) == expected, lambda: str(told(hook)))
    # A linked stream saw nothing itself.
    assert listener.of("lightnvr/detections/Porch") == []
    kept = [row for row in verified(hook) if row["event"]["stream"] == "Front Door"]
    assert kept[0]["detections"][0]["label"] == "person"
    assert kept[0]["event"]["id"] == kept[-1]["event"]["id"]
    assert kept[-1]["event"]["picture"] == last["snapshot_url"]


async def test_networks_that_are_forbidden_while_it_runs_are_not_posted_to(tmp_path: Path) -> None:
    async with receiver() as hook, serving(tmp_path) as server, client_of(server) as client:
        made = (await client.post("/api/webhooks", json={"name": "House", "url": hook.url})).json()
        path = f"/api/webhooks/{made['id']}/test"
        assert (await client.post(path)).json()["delivered"]
        for networks in ({"webhook_denied_networks": "127.0.0.0/8"}, {"webhook_allowed_networks": "10.0.0.0/8, ::1"}):
            answer = await client.post("/api/settings", json=networks)
            assert answer.json()["restart_required"] is False, answer.text
            result = (await client.post(path)).json()
            assert not result["delivered"]
            assert "127.0.0.1" in result["error"]
            await client.post("/api/settings", json=dict.fromkeys(networks, ""))
        assert len(hook.got) == 1
        assert (await client.post(path)).json()["delivered"]


async def waiting(client: httpx.AsyncClient, *lines: str) -> None:
    """Wait until the metrics say so."""
    ends = time.monotonic() + PATIENCE_S
    text = ""
    while not all(f"\n{line}\n" in text for line in lines):
        assert time.monotonic() < ends, text
        await asyncio.sleep(0.05)
        text = (await client.get("/api/metrics")).text


def outbox(destination: str, count: int) -> str:
    """The line of the metrics that says how many messages wait."""
    return f'lightnvr_outbox_messages{{destination="{destination}"}} {count}'


def labels(heard: list[Heard]) -> list[str]:
    """What was seen first in each message."""
    return [str(message.json["detections"][0]["label"]) for message in heard]  # type: ignore[index]


def keeping(folder: Path) -> tuple[str, ...]:
    """Options of a broker that keeps messages over its own restart."""
    return "allow_anonymous true", "persistence true", f"persistence_location {folder}/"


async def happen(client: httpx.AsyncClient, *names: str) -> None:
    """Have one event after another."""
    for name in names:
        await trigger(client, "start", label=name)
        await trigger(client, "stop")


async def ear(there: Broker) -> None:
    """Have the broker keep what comes for somebody who comes back."""
    async with listening(there, session="ear"):
        pass


async def test_what_waits_is_told_after_kill_9_once_and_in_order(tmp_path: Path) -> None:
    first = [f"thing-{number}" for number in range(6)]
    async with broker(tmp_path, *keeping(tmp_path)) as there, receiver(b"") as hook:
        await ear(there)
        await there.stop()
        async with serving(tmp_path, environment(there)) as server, client_of(server) as client:
            await add_stream(client, "Front Door", "rtsp://127.0.0.1:1/none")
            body = {"name": "House", "url": hook.url, "secret": _SECRET, "filters": {"kinds": ["began"]}}
            (await client.post("/api/webhooks", json=body)).raise_for_status()
            await happen(client, *first)
            await waiting(client, outbox("mqtt", 6), outbox("webhook:1", 6))
            # The first is with the receiver, which has not answered.
            await eventually(lambda: len(hook.got) == 1, "the first one is posted")
            await asyncio.to_thread(server.kill)
        hook.answer = _NO_CONTENT
        await there.start()
        async with serving(tmp_path, environment(there)) as server, client_of(server) as client:
            await happen(client, "thing-6")
            await waiting(client, outbox("mqtt", 0), outbox("webhook:1", 0))
        async with listening(there, session="ear") as listener:
            await listener.hears(_DETECTIONS, 7)
    assert labels(listener.of(_DETECTIONS)) == [*first, "thing-6"]
    posted = [row["detections"][0]["label"] for row in verified(hook)]
    assert posted == ["thing-0", *first, "thing-6"], "only what was not answered is posted twice"


async def test_a_broker_that_comes_back_is_told_in_order_by_the_same_server(tmp_path: Path) -> None:
    things = [f"thing-{number}" for number in range(12)]
    async with (
        broker(tmp_path, *keeping(tmp_path)) as there,
        serving(tmp_path, environment(there)) as server,
        client_of(server) as client,
    ):
        await ear(there)
        await add_stream(client, "Front Door", "rtsp://127.0.0.1:1/none")
        await waiting(client, "lightnvr_mqtt_connected 1")
        await happen(client, *things[:2])
        await waiting(client, outbox("mqtt", 0))
        # A broker writes what it keeps when it ends in order.
        await there.stop()
        await waiting(client, "lightnvr_mqtt_connected 0")
        await happen(client, *things[2:])
        await waiting(client, outbox("mqtt", 10))
        await there.start()
        await waiting(client, "lightnvr_mqtt_connected 1", outbox("mqtt", 0))
        async with listening(there, session="ear") as listener:
            await listener.hears(_DETECTIONS, len(things))
        assert labels(listener.of(_DETECTIONS)) == things
        assert "online" in [message.payload.decode() for message in listener.of("lightnvr/availability")]


async def test_somebody_who_walks_by_is_told_with_a_picture_and_a_signature(tmp_path: Path) -> None:
    walk = MotionScene("walk", Scenery(), [Pass(5.5, 0.3, 0.9, 0.6, 0.2)], seconds=60.0)
    async with (
        camera(await asyncio.to_thread(scene_clip, walk)) as cam,
        broker(tmp_path) as there,
        listening(there) as listener,
        receiver() as hook,
        serving(tmp_path, environment(there)) as server,
        client_of(server) as client,
    ):
        body = {"name": "House", "url": hook.url, "secret": _SECRET, "filters": {"origins": ["motion"]}}
        (await client.post("/api/webhooks", json=body)).raise_for_status()
        await add_stream(client, "Front Door", cam.url, detection_model="motion", detection_interval=1)
        [message, *_] = await listener.hears(_DETECTIONS)
        await eventually(lambda: bool(hook.got), "the webhook is called")
        await listener.hears_payload("lightnvr/cameras/Front_Door/motion", b"ON")
        [event] = (await client.get("/api/events")).json()["events"]
    detections: list[Row] = json.loads(message.payload)["detections"]
    assert detections[0]["label"] == "motion"
    assert 0 < detections[0]["width"] < 1
    assert listener.of(f"{_DETECTIONS}/snapshot")[0].payload.startswith(b"\xff\xd8")
    began = verified(hook)[0]
    assert (began["kind"], began["event"]["id"], began["event"]["origins"]) == ("began", event["id"], ["motion"])


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_the_end_of_an_event_that_a_stop_interrupted_is_told(tmp_path: Path, how: signal.Signals) -> None:
    async with receiver() as hook:
        async with serving(tmp_path) as server, client_of(server) as client:
            await add_stream(client, "Front Door", "rtsp://127.0.0.1:1/none")
            body = {"name": "House", "url": hook.url, "secret": _SECRET, "filters": {"kinds": ["began", "ended"]}}
            (await client.post("/api/webhooks", json=body)).raise_for_status()
            await trigger(client, "start", label="person")
            await eventually(lambda: len(hook.got) == 1, "the beginning is told")
            await asyncio.to_thread(server.stop, how)
        async with serving(tmp_path):
            await eventually(lambda: len({row["id"] for row in verified(hook)}) == 2, lambda: str(verified(hook)))
    began, ended = verified(hook)[0], verified(hook)[-1]
    assert (began["kind"], ended["kind"]) == ("began", "ended")
    assert ended["event"]["id"] == began["event"]["id"]
    assert ended["event"]["interrupted"] is (how is signal.SIGKILL)
