"""The broker is told of what happens: topics and payloads of the contract, and nothing is lost while it is away."""

import asyncio
from dataclasses import replace
from pathlib import Path

from sqlalchemy.ext.asyncio import create_async_engine

from lightnvr.db.engine import Database
from lightnvr.events.edges import Origin
from lightnvr.events.model import ChangeKind
from lightnvr.events.telling.broker import BrokerOptions
from lightnvr.events.telling.mqtt import MqttTeller
from lightnvr.events.telling.outbox import Outbox
from lightnvr.events.telling.pictures import TellingPictures
from lightnvr.events.telling.service import Telling
from lightnvr.media.packets import MediaPacket
from lightnvr.recording.detection import Box
from tests.integration.telling.conftest import DOOR, NOW_US, YARD, Teller
from tests.rig.broker import Broker, Heard, broker, listening, say
from tests.rig.certificates import certificates
from tests.rig.nvr import eventually


def options_for(there: Broker, **others: object) -> BrokerOptions:
    """Options that find a broker."""
    found = BrokerOptions(enabled=True, host="127.0.0.1", port=there.port)
    return replace(found, **others)  # type: ignore[arg-type]


async def connected(service: Telling) -> None:
    """Wait until the broker is there."""
    await eventually(lambda: service.mqtt.connected, lambda: f"connected: {service.mqtt.error}")


async def test_a_detection_is_told_as_the_contract_says(tmp_path: Path, teller: Teller) -> None:
    (teller.root / "Front_Door").mkdir(parents=True)
    (teller.root / "Front_Door" / "20260801_120000_1.jpg").write_bytes(b"jpeg")
    async with broker(tmp_path) as there, listening(there) as listener, teller.telling(options_for(there)):
        teller.changes.happen(ChangeKind.BEGAN, "person", "car", picture="20260801_120000_1.jpg")
        topic = "lightnvr/detections/Front_Door"
        [message] = await listener.hears(topic)

    detection = {"confidence": 0.9, "x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4, "track_id": 7, "zone_id": "porch"}
    assert message.json == {
        "stream": "Front Door",
        "timestamp": NOW_US // 1_000_000,
        "count": 2,
        "detections": [{"label": "person"} | detection, {"label": "car"} | detection],
        "snapshot_topic": f"{topic}/snapshot",
        "snapshot_path": str(teller.root / "Front_Door" / "20260801_120000_1.jpg"),
        "snapshot_url": "/api/snapshots/Front_Door/20260801_120000_1.jpg",
    }
    assert (message.qos, message.retain) == (1, False)
    assert [heard.topic for heard in listener.heard if heard.topic != "knock"] == [f"{topic}/snapshot", topic]
    assert listener.of(f"{topic}/snapshot")[0].payload == b"jpeg"


def labels(heard: list[Heard]) -> list[str]:
    """What was seen first in each message."""
    return [str(message.json["detections"][0]["label"]) for message in heard]  # type: ignore[index]


async def test_nothing_is_lost_while_the_broker_is_away_and_the_order_is_kept(tmp_path: Path, teller: Teller) -> None:
    topic = "lightnvr/detections/Front_Door"
    async with broker(
        tmp_path, "allow_anonymous true", "persistence true", f"persistence_location {tmp_path}/"
    ) as there:
        options = options_for(there)
        async with teller.telling(options) as service:
            await connected(service)
            await there.kill()
            await eventually(lambda: service.mqtt.error != "", "the broker is missed")
            for number in range(20):
                teller.changes.happen(ChangeKind.UPDATED, f"label-{number}")
            assert f"port {there.port}" in service.problems()[0]
        # They wait over a restart of the server.
        await there.start()
        async with listening(there, session="ear"):
            pass
        async with teller.telling(options) as service:
            assert service.outbox.waiting() == {"mqtt": 20}
            teller.changes.happen(ChangeKind.UPDATED, "label-20")
            await eventually(lambda: service.outbox.waiting() == {"mqtt": 0}, "all are handed over")
            assert service.problems() == []
        async with listening(there, session="ear") as listener:
            await listener.hears(topic, 21)
    assert labels(listener.of(topic)) == [f"label-{number}" for number in range(21)]


async def test_home_assistant_finds_the_streams_and_loses_those_that_are_deleted(
    tmp_path: Path, teller: Teller
) -> None:
    async with broker(tmp_path) as there, listening(there) as listener:
        stale = "homeassistant/camera/lightnvr/Old/config"
        foreign = "homeassistant/camera/lightnvr/Other/config"
        await say(there, stale, '{"unique_id": "lightnvr_Old_camera", "topic": "lightnvr/cameras/Old/snapshot"}', "-r")
        await say(
            there, foreign, '{"unique_id": "lightnvr_Other_camera", "topic": "cabin/cameras/Other/snapshot"}', "-r"
        )
        async with teller.telling(options_for(there, discovery=True)) as service:
            [camera] = await listener.hears("homeassistant/camera/lightnvr/Front_Door/config")
            [motion] = await listener.hears("homeassistant/binary_sensor/lightnvr/Front_Door_motion/config")
            [count] = await listener.hears("homeassistant/sensor/lightnvr/Yard_1_detection_count/config")
            await listener.hears_payload(stale, b"")
            await listener.hears_payload("lightnvr/cameras/Yard_1/motion", b"OFF")
            await listener.hears_payload("lightnvr/cameras/Yard_1/detection_count", b"0")

            await say(there, "homeassistant/status", "online")
            await listener.hears("homeassistant/camera/lightnvr/Yard_1/config", 2)

            teller.streams.remove(YARD)
            await service.stream_changed()
            await listener.hears_payload("homeassistant/camera/lightnvr/Yard_1/config", b"")
            service.mqtt.take(options_for(there))
            await listener.hears_payload("homeassistant/camera/lightnvr/Front_Door/config", b"")

    assert listener.of(foreign)[-1].payload
    common = {
        "availability": [
            {"topic": "lightnvr/availability", "payload_available": "online", "payload_not_available": "offline"}
        ],
        "device": {
            "identifiers": ["lightnvr"],
            "name": "LightNVR",
            "manufacturer": "OpenSensor",
            "model": "LightNVR",
            "sw_version": "1.2.3",
        },
    }
    shown = {message.topic: message.json for message in (camera, motion, count)}
    assert all(entity.pop("origin") for entity in shown.values())
    assert list(shown.values()) == [
        {
            "unique_id": "lightnvr_Front_Door_camera",
            "name": "Front Door",
            "topic": "lightnvr/cameras/Front_Door/snapshot",
            "encoding": "",
        }
        | common,
        {
            "unique_id": "lightnvr_Front_Door_motion",
            "name": "Front Door Motion",
            "state_topic": "lightnvr/cameras/Front_Door/motion",
            "payload_on": "ON",
            "payload_off": "OFF",
            "device_class": "motion",
        }
        | common,
        {
            "unique_id": "lightnvr_Yard_1_detection_count",
            "name": "Yard.1 Detections",
            "state_topic": "lightnvr/cameras/Yard_1/detection_count",
            "icon": "mdi:motion-sensor",
        }
        | common,
    ]


async def test_motion_is_on_while_anything_happens_whatever_raised_it(tmp_path: Path, teller: Teller) -> None:
    async with broker(tmp_path) as there, listening(there) as listener:
        async with teller.telling(options_for(there, discovery=True)) as service:
            service.mqtt.sensors.off_after_s = 0.2
            await listener.hears_payload("lightnvr/cameras/Front_Door/motion", b"OFF")
            teller.changes.happen(ChangeKind.BEGAN, "motion", origin=Origin.API, box=Box(0, 0, 0, 0))
            await listener.hears_payload("lightnvr/cameras/Front_Door/motion", b"ON")
            teller.changes.happen(ChangeKind.UPDATED, "big dog/cat", "big dog/cat", origin=Origin.ONVIF)
            await listener.hears_payload("lightnvr/cameras/Front_Door/big dog_cat", b"2")
            await listener.hears_payload("lightnvr/cameras/Front_Door/detection_count", b"2")
            teller.changes.happen(ChangeKind.UPDATED, picture="20260801_120000_1.jpg")
            teller.changes.happen(ChangeKind.ENDED)
            await listener.hears_payload("lightnvr/cameras/Front_Door/motion", b"OFF")
            await listener.hears_payload("lightnvr/cameras/Front_Door/big dog_cat", b"0")
            await listener.hears_payload("lightnvr/cameras/Front_Door/detection_count", b"0")
            await listener.hears("lightnvr/detections/Front_Door")
        await listener.hears_payload("lightnvr/availability", b"offline")
    counts = [message.payload for message in listener.of("lightnvr/cameras/Front_Door/big dog_cat")]
    assert counts == [b"2", b"0"], "a picture alone changes no count"
    # What a trigger without objects stores is nothing that was seen.
    assert [message.json["count"] for message in listener.of("lightnvr/detections/Front_Door")] == [2]
    assert [heard.payload for heard in listener.of("lightnvr/availability")] == [b"online", b"offline"]


async def test_a_wrong_password_is_told_and_a_right_one_is_used_at_once(tmp_path: Path, teller: Teller) -> None:
    passwords = tmp_path / "passwords"
    made = await asyncio.create_subprocess_exec("mosquitto_passwd", "-b", "-c", str(passwords), "nvr", "right")
    assert await made.wait() == 0
    who = ("-u", "nvr", "-P", "right")
    async with (
        broker(tmp_path, "allow_anonymous false", f"password_file {passwords}") as there,
        listening(there, *who) as listener,
        teller.telling(options_for(there, username="nvr", password="wrong")) as service,
    ):
        await eventually(lambda: service.mqtt.error != "", "the broker refuses")
        assert "Not authorized" in service.mqtt.error
        assert "wrong" not in service.mqtt.error
        teller.changes.happen(ChangeKind.BEGAN, "person", stream=DOOR)
        service.mqtt.take(options_for(there, username="nvr", password="right"))
        await listener.hears("lightnvr/detections/Front_Door")
        assert service.problems() == []


async def test_certificates_are_checked_unless_that_is_switched_off(tmp_path: Path, teller: Teller) -> None:
    authority, certificate, key = certificates(tmp_path)
    other, _, _ = certificates(tmp_path / "other")
    encrypted = ("allow_anonymous true", f"certfile {certificate}", f"keyfile {key}")
    async with (
        broker(tmp_path, *encrypted) as there,
        listening(there, "--cafile", str(authority)) as listener,
        teller.telling(options_for(there, tls=True)) as service,
    ):
        await eventually(lambda: "certificate" in service.mqtt.error.lower(), lambda: service.mqtt.error)
        service.mqtt.take(options_for(there, tls=True, ca_file=other))
        teller.changes.happen(ChangeKind.BEGAN, "person")
        await eventually(lambda: service.outbox.waiting() == {"mqtt": 1}, "it waits")
        service.mqtt.take(options_for(there, tls=True, ca_file=authority))
        await listener.hears("lightnvr/detections/Front_Door", 1)
        service.mqtt.take(options_for(there, tls=True, ca_file=other, tls_insecure=True))
        teller.changes.happen(ChangeKind.ENDED, "person")
        await listener.hears("lightnvr/detections/Front_Door", 2)


async def test_a_broker_is_told_although_the_database_was_busy_when_there_was_none(
    tmp_path: Path, teller: Teller
) -> None:
    few = create_async_engine(teller.database.reading.url, pool_size=1, max_overflow=0, pool_timeout=0.1)
    outbox = Outbox(Database(few, few), lambda: 0.0)

    async def develop(_keyframe: MediaPacket) -> bytes | None:
        return None

    pictures = TellingPictures(tmp_path, develop, lambda _stream_id: None)
    telling = MqttTeller(BrokerOptions(), outbox, pictures, teller.all_streams, "1.2.3")
    async with broker(tmp_path) as there:
        async with few.connect():
            running = asyncio.create_task(telling.run())
            await asyncio.wait([running], timeout=0.5)
        telling.take(options_for(there))
        await eventually(lambda: telling.connected, lambda: str(running))
        running.cancel()
        await asyncio.wait([running])
    await few.dispose()


async def test_what_fails_once_is_tried_again(tmp_path: Path, teller: Teller) -> None:
    async with broker(tmp_path) as there, listening(there) as listener, teller.telling(BrokerOptions()) as service:
        streams, teller.streams = teller.streams, [object()]  # type: ignore[list-item]
        service.mqtt.take(options_for(there, discovery=True))
        await eventually(lambda: "has no attribute" in service.mqtt.error, lambda: service.mqtt.error)
        teller.streams = streams
        await listener.hears("homeassistant/camera/lightnvr/Front_Door/config")
        await eventually(lambda: service.problems() == [], lambda: service.mqtt.error)
