"""What Home Assistant's sensors show of what was seen."""

import asyncio
from dataclasses import replace

from lightnvr.events.edges import Origin
from lightnvr.events.model import ChangeKind, Event, EventChange
from lightnvr.events.telling.sensors import Sensors
from lightnvr.recording.detection import Box, Detection


def change(kind: ChangeKind, *labels: str, event_id: int = 1) -> EventChange:
    """A change in which these things were seen."""
    seen = tuple(Detection("Door", 0, 0, label, 0.9, Box(0, 0, 1, 1), 1) for label in labels)
    end_us = 0 if kind is ChangeKind.ENDED else None
    return EventChange(1, kind, Event(event_id, 1, "Door", 0, end_us, (Origin.API,)), 0, seen)


async def test_labels_are_topics_whatever_they_hold_and_not_without_end() -> None:
    sensors = Sensors(lambda: None)
    sensors.follow([(1, "Door")])
    sensors.take(change(ChangeKind.BEGAN, "traffic light", "a/b+c#d\x00\ud800", "snapshot", "motion"))
    present = sensors.present()
    assert present["Door/traffic light"] == "1"
    assert present["Door/a_b_c_d__"] == "1"
    assert (present["Door/motion"], present["Door/detection_count"]) == ("ON", "4")
    assert "Door/snapshot" not in present
    for number in range(300):
        sensors.take(change(ChangeKind.UPDATED, f"thing-{number}"))
    assert len(sensors.present()) == 102
    sensors.close()


async def test_motion_lasts_until_the_last_event_is_over() -> None:
    over = asyncio.Event()
    sensors = Sensors(over.set, off_after_s=0)
    sensors.follow([(1, "Door")])
    for kind, event_id in ((ChangeKind.BEGAN, 1), (ChangeKind.BEGAN, 2), (ChangeKind.ENDED, 1)):
        sensors.take(change(kind, "person", event_id=event_id))
    over.clear()
    assert sensors.present()["Door/motion"] == "ON"
    sensors.take(change(ChangeKind.ENDED, event_id=2))
    while sensors.present()["Door/motion"] == "ON":
        over.clear()
        await over.wait()
    assert set(sensors.present().values()) == {"OFF", "0"}
    sensors.close()


async def test_a_picture_that_is_made_after_the_end_does_not_begin_it_again() -> None:
    over = asyncio.Event()
    sensors = Sensors(over.set, off_after_s=0)
    sensors.follow([(1, "Door")])
    ended = change(ChangeKind.ENDED)
    for each in (change(ChangeKind.BEGAN), ended, replace(ended, kind=ChangeKind.UPDATED)):
        sensors.take(each)
    async with asyncio.timeout(10):
        while sensors.present()["Door/motion"] == "ON":
            over.clear()
            await over.wait()
    sensors.close()
