"""Topics, retaining and QoS of MQTT are those of the contract, for every stream."""

from pathlib import Path

from lightnvr.events.model import ChangeKind
from lightnvr.events.telling.messages import ToldStream
from tests.integration.telling.conftest import Teller
from tests.integration.telling.test_mqtt import connected, options_for
from tests.rig.broker import broker, listening, say
from tests.rig.nvr import eventually

_ENTITIES = ("camera/lightnvr/{}", "binary_sensor/lightnvr/{}_motion", "sensor/lightnvr/{}_detection_count")


def announced(streams: list[ToldStream]) -> set[str]:
    """The discovery topics of these streams."""
    return {f"ha/{entity.format(stream.safe)}/config" for stream in streams for entity in _ENTITIES}


async def test_every_stream_that_is_enabled_is_announced_again_when_home_assistant_starts(
    tmp_path: Path, teller: Teller
) -> None:
    teller.streams = [ToldStream(number, f"cam {number}", f"cam_{number}", True, True) for number in range(1, 21)]
    teller.streams.append(ToldStream(21, "off", "off", enabled=False, watched=False))
    wanted = announced(teller.streams[:20])
    options = {"discovery": True, "discovery_prefix": "ha", "prefix": "house/nvr", "qos": 2}
    async with broker(tmp_path) as there, listening(there) as listener:
        async with teller.telling(options_for(there, **options)):
            for times in (1, 2):
                for topic in sorted(wanted):
                    await listener.hears(topic, times)
                for stream in teller.streams[:20]:
                    for name, value in (("motion", b"OFF"), ("detection_count", b"0")):
                        topic = f"house/nvr/cameras/{stream.safe}/{name}"
                        heard = await listener.hears(topic, times)
                        assert {message.payload for message in heard} == {value}
                # Anything else that is said there is no birth.
                await say(there, "ha/status", "offline")
                if times == 1:
                    await say(there, "ha/status", "online")
        await listener.hears_payload("house/nvr/availability", b"offline")
        # Whoever comes later finds what is kept: the entities and whether the server is there.
        async with listening(there) as later:
            await later.hears("house/nvr/availability")
            await eventually(lambda: wanted <= {message.topic for message in later.heard}, "all are kept")
    ours = [message for message in listener.heard if message.topic.split("/")[0] in {"ha", "house"}]
    assert {message.topic for message in ours if message.topic.endswith("/config")} == wanted
    assert {message.qos for message in ours if message.topic != "ha/status"} == {2}
    kept = {message.topic for message in later.heard if message.retain}
    assert kept == wanted | {"house/nvr/availability"}


async def test_without_home_assistant_only_detections_are_told_and_kept_if_wanted(
    tmp_path: Path, teller: Teller
) -> None:
    (teller.root / "Front_Door").mkdir(parents=True)
    (teller.root / "Front_Door" / "20260801_120000_1.jpg").write_bytes(b"jpeg")
    topic = "lightnvr/detections/Front_Door"
    async with broker(tmp_path) as there, listening(there) as listener:
        async with teller.telling(options_for(there, retain=True, qos=0)) as service:
            await connected(service)
            teller.changes.happen(ChangeKind.BEGAN, "person")
            teller.changes.happen(ChangeKind.ENDED)
            await listener.hears(topic)
        async with listening(there) as later:
            [kept] = await later.hears(topic)
            [picture] = await later.hears(f"{topic}/snapshot")
    assert (kept.retain, picture.retain, picture.payload) == (True, True, b"jpeg")
    assert {message.topic for message in listener.heard} == {"knock", topic, f"{topic}/snapshot"}
    assert {message.qos for message in listener.of(topic)} == {0}


async def test_pictures_are_left_out_when_that_is_set_and_still_have_an_address(tmp_path: Path, teller: Teller) -> None:
    (teller.root / "Front_Door").mkdir(parents=True)
    (teller.root / "Front_Door" / "20260801_120000_1.jpg").write_bytes(b"jpeg")
    async with (
        broker(tmp_path) as there,
        listening(there) as listener,
        teller.telling(options_for(there, snapshots=False)),
    ):
        teller.changes.happen(ChangeKind.BEGAN, "person")
        [message] = await listener.hears("lightnvr/detections/Front_Door")
    assert message.json["snapshot_url"] == "/api/snapshots/Front_Door/20260801_120000_1.jpg"
    assert "snapshot_topic" not in message.json
    assert listener.of("lightnvr/detections/Front_Door/snapshot") == []


async def test_the_picture_of_a_private_stream_is_not_told(tmp_path: Path, teller: Teller) -> None:
    (teller.root / "Hall").mkdir(parents=True)
    (teller.root / "Hall" / "20260801_120000_1.jpg").write_bytes(b"jpeg")
    hall = ToldStream(3, "Hall", "Hall", enabled=True, watched=False)
    teller.streams.append(hall)
    async with broker(tmp_path) as there, listening(there) as listener, teller.telling(options_for(there)):
        teller.changes.happen(ChangeKind.BEGAN, "person", stream=hall)
        [message] = await listener.hears("lightnvr/detections/Hall")
    assert "snapshot_topic" not in message.json
    assert listener.of("lightnvr/detections/Hall/snapshot") == []
