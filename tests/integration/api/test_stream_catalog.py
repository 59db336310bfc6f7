"""The catalog of streams, on each kind of database."""

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from lightnvr.db.engine import Database
from lightnvr.streams.catalog import StreamCatalog
from lightnvr.streams.model import (
    DuplicateStream,
    InvalidStreamSetting,
    NewStream,
    StreamChange,
    StreamNotFound,
    TooManyStreams,
)
from lightnvr.streams.secrets import SecretBox
from lightnvr.streams.settings import StreamSettings
from lightnvr.streams.store import StreamStore
from tests.integration.api.running import Clock

URL = "rtsp://viewer:p@ss:w%rd@192.0.2.1:8554/stream1?channel=1"


@pytest.fixture
def open_catalog(database: Database, tmp_path: Path) -> Callable[[str], StreamCatalog]:
    def open_with(key_file: str) -> StreamCatalog:
        store = StreamStore(SecretBox.open(tmp_path / key_file))
        return StreamCatalog(database, store, max_streams=3, segment_duration=600, now=Clock())

    return open_with


@pytest.fixture
def catalog(open_catalog: Callable[[str], StreamCatalog]) -> StreamCatalog:
    return open_catalog("secret.key")


def new(name: str, url: str = URL, **settings: object) -> NewStream:
    return NewStream(name, url, StreamSettings.model_validate(settings))


def changed(url: str | None = None, **settings: object) -> StreamChange:
    return StreamChange(url=url, settings=StreamSettings.model_validate(settings))


async def test_what_is_stored_comes_back_whole(catalog: StreamCatalog) -> None:
    schedule = [hour % 2 == 0 for hour in range(168)]
    added = await catalog.add(
        new(
            "Front Door",
            detection_threshold=55,
            recording_schedule=schedule,
            onvif_password="säcret",
            sub_stream_url="rtsp://u:p@192.0.2.1/2",
            tags="out,side",
        )
    )
    found = await catalog.find("Front Door")
    assert found == added
    assert (found.source.username, found.source.password) == ("viewer", "p@ss:w%rd")
    assert found.settings.detection_threshold == pytest.approx(0.55)
    assert found.settings.recording_schedule == tuple(schedule)
    assert found.settings.segment_duration == 600
    assert found.settings.onvif_password == "säcret"


async def test_no_password_is_stored_in_clear(catalog: StreamCatalog, database: Database) -> None:
    await catalog.add(
        new(
            "camera",
            "rtsp://u:secret1@192.0.2.1/",
            onvif_password="secret2",
            sub_stream_url="rtsp://u:secret3@192.0.2.1/",
            detection_url="http://u:secret4@192.0.2.1/",
            publish_url="rtmp://192.0.2.1/live/secret5",
            admin_url="http://u:secret6@192.0.2.1/",
            go2rtc_source_override="rtsp://u:secret7@192.0.2.1/",
        )
    )
    async with database.reading.connect() as connection:
        (row,) = await connection.exec_driver_sql("SELECT * FROM streams")
    assert "secret" not in str(row)


async def test_a_stream_is_found_by_name_before_it_is_found_by_id(catalog: StreamCatalog) -> None:
    first = await catalog.add(new("porch"))
    second = await catalog.add(new(str(first.id)))
    assert await catalog.find(str(first.id)) == second
    assert await catalog.find(str(second.id)) == second
    for reference in ("none", "99999", "9" * 40, "nul\x00", "-1"):
        with pytest.raises(StreamNotFound):
            await catalog.find(reference)


async def test_names_that_look_the_same_on_disk_get_folders_of_their_own(catalog: StreamCatalog) -> None:
    folders = [(await catalog.add(new(name))).folder for name in ("Cam 1", "Cam_1", "cam.1")]
    assert folders == ["Cam_1", "Cam_1_2", "cam_1_3"]


async def test_a_change_keeps_what_was_not_given(catalog: StreamCatalog) -> None:
    await catalog.add(new("camera", priority=7, is_onvif=True))
    stream = await catalog.change("camera", changed(segment_duration=60))
    assert (stream.settings.segment_duration, stream.settings.priority, stream.settings.is_onvif) == (60, 7, True)
    assert stream.source.password == "p@ss:w%rd"
    assert await catalog.find("camera") == stream


async def test_a_change_that_is_refused_changes_nothing(catalog: StreamCatalog) -> None:
    before = await catalog.add(new("camera"))
    with pytest.raises(InvalidStreamSetting, match="publish_url must use rtmp or rtmps"):
        await catalog.change("camera", changed(priority=9, publish_url="http://192.0.2.1/"))
    with pytest.raises(InvalidStreamSetting, match="url is not the address of a camera"):
        await catalog.change("camera", changed("file:///etc/passwd", priority=9))
    assert await catalog.find("camera") == before


async def test_the_mask_sent_back_means_unchanged(catalog: StreamCatalog) -> None:
    await catalog.add(new("camera", onvif_password="onvif", sub_stream_url="rtsp://u:sub@192.0.2.1/2"))
    stream = await catalog.change(
        "camera",
        changed(
            "rtsp://viewer:********@192.0.2.1:8554/other",
            onvif_password="********",
            sub_stream_url="rtsp://u:********@192.0.2.1/2",
        ),
    )
    assert (stream.source.path, stream.source.password) == ("/other", "p@ss:w%rd")
    assert stream.settings.onvif_password == "onvif"
    assert stream.settings.sub_stream_url == "rtsp://u:sub@192.0.2.1/2"
    with pytest.raises(InvalidStreamSetting, match="enter the password again"):
        await catalog.change("camera", changed(sub_stream_url="rtsp://u:********@192.0.2.9/2"))


async def test_stored_passwords_do_not_go_to_another_host(catalog: StreamCatalog) -> None:
    before = await catalog.add(new("camera", onvif_username="u", onvif_password="onvif"))
    with pytest.raises(InvalidStreamSetting, match="url names another host or port"):
        await catalog.change("camera", changed("rtsp://viewer:********@192.0.2.2/"))
    for again in ({}, {"onvif_password": "********"}):
        with pytest.raises(InvalidStreamSetting, match="onvif_password must be entered again"):
            await catalog.change("camera", changed("rtsp://192.0.2.2/", **again))
    assert await catalog.find("camera") == before
    stream = await catalog.change("camera", changed("rtsp://192.0.2.2/", onvif_password="entered"))
    assert (stream.source.host, stream.settings.onvif_password) == ("192.0.2.2", "entered")


async def test_a_mask_cannot_stand_for_a_password_that_is_not_there(catalog: StreamCatalog) -> None:
    with pytest.raises(InvalidStreamSetting, match=r"url is \*+, which stands for a stored password"):
        await catalog.add(new("camera", "rtsp://u:********@192.0.2.1/"))


async def test_credentials_in_the_fields_are_used_when_the_address_has_none(catalog: StreamCatalog) -> None:
    stream = await catalog.add(new("a", "rtsp://192.0.2.1/", onvif_username="u", onvif_password="p"))
    assert (stream.address.username, stream.address.password) == ("u", "p")
    stream = await catalog.add(new("b", URL, onvif_username="u", onvif_password="p"))
    assert (stream.address.username, stream.address.password) == ("viewer", "p@ss:w%rd")


async def test_names_are_unique_and_streams_are_limited(catalog: StreamCatalog) -> None:
    await catalog.add(new("a"))
    with pytest.raises(DuplicateStream):
        await catalog.add(new(" a "))
    await catalog.add(new("b"))
    await catalog.add(new("c"))
    with pytest.raises(TooManyStreams, match=r"^Max streams limit reached \(3/3\)"):
        await catalog.add(new("d"))
    removed = await catalog.remove("b")
    assert removed.name == "b"
    added = await catalog.add(new("d"))
    assert added.id > removed.id
    assert [stream.name for stream in await catalog.every()] == ["a", "c", "d"]


async def test_the_same_name_at_the_same_time_is_stored_once(catalog: StreamCatalog) -> None:
    refused: list[Exception] = []

    async def add() -> None:
        try:
            await catalog.add(new("camera"))
        except DuplicateStream as error:
            refused.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(add)
    assert len(refused) == 2
    assert len(await catalog.every()) == 1


async def test_a_lost_key_costs_passwords_and_nothing_else(
    open_catalog: Callable[[str], StreamCatalog],
) -> None:
    await open_catalog("secret.key").add(new("camera", onvif_password="onvif"))
    other = open_catalog("other.key")
    stream = await other.find("camera")
    assert "password and onvif_password cannot be read" in stream.problem
    assert stream.source.password == ""
    await other.change("camera", changed(priority=9))
    restored = await open_catalog("secret.key").find("camera")
    assert (restored.source.password, restored.settings.onvif_password) == ("p@ss:w%rd", "onvif")
    assert (restored.settings.priority, restored.problem) == (9, "")
