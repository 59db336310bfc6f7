"""Triggers of motion over HTTP: who may pull them, and in which words they are refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.api.running import RunningApi, running_api

_OK = {"stream": "door", "action": "pulse"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    """An API with a stream that records events and one that does not."""
    folder: Path = tmp_path_factory.mktemp("motion")
    with running_api(folder) as running:
        with running.client() as client:
            for name, records in (("door", True), ("gate", False)):
                body = {"name": name, "url": "rtsp://192.0.2.1/x", "detection_based_recording": records}
                assert client.post("/api/streams", json=body).status_code == 201
        yield running


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ([], "Invalid or missing JSON body"),
        ({}, "Field 'stream' is required"),
        ({"stream": "nobody"}, "Field 'action' is required (start|stop|pulse)"),
        (_OK | {"action": "go"}, "Field 'action' must be one of: start, stop, pulse"),
        (_OK | {"duration_ms": 1.5}, "Field 'duration_ms' must be a positive integer"),
        (_OK | {"duration_ms": True}, "Field 'duration_ms' must be a positive integer"),
        (_OK | {"duration_ms": 0}, "Field 'duration_ms' must be between 1 and 600000"),
        (_OK | {"duration_ms": 600_001}, "Field 'duration_ms' must be between 1 and 600000"),
        (_OK | {"confidence": 2, "label": ""}, "Field 'confidence' must be a number between 0 and 1"),
        (_OK | {"label": ""}, "Field 'label' must be a non-empty string"),
        (_OK | {"objects": "cat"}, "Field 'objects' must be an array"),
        (_OK | {"objects": [1]}, "Each 'objects' entry must be a string or an object with a 'label' string"),
        (
            _OK | {"objects": [{"label": "cat", "confidence": "1"}]},
            "Each 'objects' entry 'confidence' must be a number between 0 and 1",
        ),
        (_OK | {"objects": [""]}, "Each 'objects' entry must have a non-empty label"),
        (_OK | {"tags": "a"}, "Field 'tags' must be an array of strings"),
        (_OK | {"tags": [""]}, "Each 'tags' entry must be a non-empty string"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_that_clients_know(api: RunningApi, body: object, sentence: str) -> None:
    with api.client("machine") as client:
        answer = client.post("/api/motion/trigger", json=body)
    assert (answer.status_code, answer.json()) == (400, {"error": sentence})


def test_a_stream_that_is_not_there_is_not_found(api: RunningApi) -> None:
    with api.client("machine") as client:
        for name in ("nobody", "\x00", "\ud800"):
            answer = client.post("/api/motion/trigger", content=b'{"stream":"%s","action":"stop"}' % _escaped(name))
            assert (answer.status_code, answer.json()) == (404, {"error": "Stream not found"})
        assert client.post("/api/motion/test/nobody").status_code == 404


def _escaped(text: str) -> bytes:
    return "".join(f"\\u{ord(character):04x}" for character in text).encode()


@pytest.mark.parametrize(("user", "status"), [(None, 401), ("watcher", 403), ("machine", 202), ("editor", 202)])
def test_who_may_only_watch_triggers_nothing(api: RunningApi, user: str | None, status: int) -> None:
    with api.client(user) as client:
        assert client.post("/api/motion/trigger", json=_OK).status_code == status


def test_a_stream_that_does_not_record_events_is_refused_unless_there_is_something_to_store(api: RunningApi) -> None:
    body = {"stream": "gate", "action": "start"}
    with api.client() as client:
        assert client.post("/api/motion/trigger", json=body).status_code == 409
        assert client.post("/api/motion/test/gate").status_code == 409
        stored = client.post("/api/motion/trigger", json=body | {"objects": ["cat", {"label": "dog"}]})
        original = client.post("/api/motion/trigger", json=body, headers={"X-LightNVR-Dialect": "lightnvr"})
    for answer, many in ((stored, 2), (original, 1)):
        assert answer.status_code == 202
        told = answer.json()
        assert (told["recording_triggered"], told["detections_stored"]) == (False, many)
        assert told["warning"].startswith("Stream does not have detection-based recording enabled")
