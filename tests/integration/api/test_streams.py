"""/api/streams as the specification has it."""

import base64
from pathlib import Path

import httpx
import pytest

from lightnvr.streams.status import RecordingState, StreamState, StreamStatus
from tests.integration.api.running import RunningApi, running_api

CAMERA = {"name": "Front Door", "url": "rtsp://viewer:p@ss:w%rd@192.168.1.100:554/stream1"}
DOCUMENTED = {
    "id", "name", "url", "enabled", "streaming_enabled", "width", "height", "fps", "codec", "priority", "record",
    "segment_duration", "protocol", "record_audio", "detection_based_recording", "detection_model",
    "detection_threshold", "detection_interval", "pre_detection_buffer", "post_detection_buffer", "detection_api_url",
    "is_onvif", "onvif_username", "onvif_password", "onvif_profile", "ptz_enabled", "backchannel_enabled",
    "buffer_strategy", "retention_days", "status",
}  # fmt: skip


@pytest.fixture
def client(api: RunningApi) -> httpx.Client:
    return api.client()


def test_the_list_is_an_object_with_every_documented_member(client: httpx.Client) -> None:
    assert client.get("/api/streams").json() == {"streams": []}
    client.post("/api/streams", json=CAMERA)
    (stream,) = client.get("/api/streams").json()["streams"]
    assert stream.keys() >= DOCUMENTED
    assert (stream["name"], stream["detection_threshold"], stream["detection_based_recording"]) == (
        "Front Door",
        0.5,
        0,
    )
    assert (stream["segment_duration"], stream["status"]) == (900, "stopped")


def test_the_example_of_the_specification_is_accepted_as_it_stands(client: httpx.Client) -> None:
    body = (
        '{"name":"New Camera","url":"rtsp://192.168.1.103:554/stream1","enabled":true,"width":1280,"height":720,'
        '"fps":10,"codec":"h264","priority":5,"record":true}'
    )
    answer = client.post("/api/streams", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201
    assert answer.headers["location"] == "/api/streams/New%20Camera"
    stream = client.get("/api/streams/New%20Camera").json()
    assert [stream[name] for name in ("width", "height", "fps", "codec")] == [1280, 720, 10, "h264"]


def test_a_stream_is_given_whole_by_name_and_by_id(client: httpx.Client) -> None:
    made = client.post("/api/streams", json=CAMERA).json()["stream"]
    for reference in ("Front%20Door", made["id"]):
        for suffix in ("", "/full"):
            assert client.get(f"/api/streams/{reference}{suffix}").json() == made


def test_what_is_measured_is_shown_in_place_of_what_was_expected(api: RunningApi, client: httpx.Client) -> None:
    number = client.post("/api/streams", json=CAMERA | {"width": 640, "codec": "h264"}).json()["stream"]["id"]
    api.supervisors.statuses[number] = StreamStatus(
        state=StreamState.CONNECTED, connected_since=1_785_578_400.5, reconnects=2, codec="hevc", audio_codec="aac",
        width=1920, height=1080, fps=14.98, bitrate_bps=2_000_000, recording=RecordingState.RECORDING,
    )  # fmt: skip
    stream = client.get(f"/api/streams/{number}").json()
    assert (stream["status"], stream["connected_since"], stream["reconnects"]) == (
        "connected",
        "2026-08-01T10:00:00Z",
        2,
    )
    assert [stream[name] for name in ("codec", "audio_codec", "width", "height", "fps")] == [
        "hevc",
        "aac",
        1920,
        1080,
        15,
    ]
    assert (stream["measured_fps"], stream["bitrate_bps"], stream["recording"]) == (14.98, 2_000_000, "recording")


def test_passwords_are_masked_for_editors_and_absent_for_viewers(api: RunningApi, client: httpx.Client) -> None:
    client.post("/api/streams", json=CAMERA | {
        "onvif_username": "onvif", "onvif_password": "secret", "sub_stream_url": "rtsp://u:secret@192.168.1.100/2",
    })  # fmt: skip
    for user in ("admin", "editor", "machine"):
        stream = api.client(user).get("/api/streams/1").json()
        assert stream["url"] == "rtsp://viewer:********@192.168.1.100:554/stream1"
        assert stream["onvif_password"] == "********"
        assert stream["sub_stream_url"] == "rtsp://u:********@192.168.1.100/2"
    stream = api.client("watcher").get("/api/streams/1").json()
    assert stream["url"] == "rtsp://192.168.1.100:554/stream1"
    assert [stream[name] for name in ("onvif_username", "onvif_password", "sub_stream_url")] == ["", "", ""]
    assert stream["has_sub_stream"] is True


def test_viewers_do_not_see_where_detectors_are(api: RunningApi, client: httpx.Client) -> None:
    detector = "http://192.168.1.7:8000/detect?token=secret"
    client.post("/api/streams", json=CAMERA)
    for body in ({"detection_model": detector}, {"detection_model": "api-detection", "detection_api_url": detector}):
        assert client.put("/api/streams/1", json=body).status_code == 200
        assert detector in api.client("editor").get("/api/streams/1").text
        seen = api.client("watcher").get("/api/streams/1").json()
        assert (seen["detection_model"], seen["detection_api_url"]) == ("api-detection", "")


def test_a_change_is_stored_and_applied_before_it_is_answered(api: RunningApi, client: httpx.Client) -> None:
    client.post("/api/streams", json=CAMERA)
    api.supervisors.applied.clear()
    answer = client.put("/api/streams/Front%20Door", json={"segment_duration": 60, "isOnvif": 1, "record": 0})
    assert answer.status_code == 200
    assert api.supervisors.applied == [1]
    stream = client.get("/api/streams/1").json()
    assert (stream["segment_duration"], stream["is_onvif"], stream["isOnvif"], stream["record"]) == (
        60,
        True,
        True,
        False,
    )
    assert client.put("/api/streams/1", json={"priority": 3}).json()["stream"]["is_onvif"] is True


def test_an_edit_form_can_send_everything_back(client: httpx.Client) -> None:
    client.post("/api/streams", json=CAMERA | {"onvif_password": "secret"})
    shown = client.get("/api/streams/1").json()
    answer = client.put("/api/streams/1", json=shown)
    assert answer.status_code == 200, answer.text
    assert answer.json()["stream"] == shown


@pytest.mark.parametrize(("sent", "shown"), [(0, 0.0), (0.25, 0.25), (1, 1.0), (53, 0.53), (59, 0.59), (100, 1.0)])
def test_thresholds_are_fractions_or_percentages(client: httpx.Client, sent: float, shown: float) -> None:
    answer = client.post("/api/streams", json=CAMERA | {"detection_threshold": sent})
    assert answer.json()["stream"]["detection_threshold"] == pytest.approx(shown)


@pytest.mark.parametrize(
    ("member", "value", "allowed"),
    [
        ("segment_duration", 9, "from 10 to 3600"),
        ("segment_duration", "60", "from 10 to 3600"),
        ("segment_duration", True, "from 10 to 3600"),
        ("detection_threshold", 100.5, "fraction from 0 to 1"),
        ("detection_threshold", -1, "fraction from 0 to 1"),
        ("record", "yes", "true or false"),
        ("record", None, "true or false"),
        ("protocol", 2, "from 0 to 1"),
        ("pre_detection_buffer", 61, "from 0 to 60"),
        ("retention_days", 366, "from -1 to 365"),
        ("onvif_port", 65536, "from 0 to 65535"),
        ("priority", 1e300, "from 1 to 10"),
        ("recording_schedule", [True] * 167, "168 times"),
        ("detection_object_filter", "some", "'include'"),
        ("tags", "x" * 256, "at most 255"),
        ("tags", "a\nb", "control characters"),
        ("publish_url", "http://192.0.2.1/", "rtmp or rtmps"),
        ("detection_url", "file:///etc/passwd", "http, https, rtsp or rtsps"),
        ("sub_stream_url", "concat:a", "rtsp://"),
        ("url", "file:///etc/passwd", "rtsp://"),
        ("url", "rtsp://", "names no host"),
        ("url", 5, "must be text"),
    ],
)
def test_a_bad_value_is_refused_with_its_name_and_what_is_allowed(
    api: RunningApi, client: httpx.Client, member: str, value: object, allowed: str
) -> None:
    client.post("/api/streams", json=CAMERA)
    before = client.get("/api/streams/1").json()
    for answer in (
        client.put("/api/streams/1", json={"width": 5, member: value}),
        client.post("/api/streams", json={"name": "other", "url": "rtsp://192.0.2.1/", member: value}),
    ):
        assert answer.status_code == 400
        assert answer.json()["error"].startswith(member)
        assert allowed in answer.json()["error"]
    assert client.get("/api/streams").json() == {"streams": [before]}


@pytest.mark.parametrize("name", ["", "   ", "a/b", ".hidden", "x" * 65, "tab\there", "nul\x00", 5])
def test_names_have_rules(client: httpx.Client, name: object) -> None:
    answer = client.post("/api/streams", json=CAMERA | {"name": name})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("name ")


@pytest.mark.parametrize("name", ["Front Door", "Gärten & Höfe", "正門", "100%", "a+b", "#1?", "x" * 64])
def test_any_printable_name_works_in_paths(client: httpx.Client, name: str) -> None:
    made = client.post("/api/streams", json=CAMERA | {"name": f" {name} "})
    assert made.status_code == 201
    assert client.get(made.headers["location"]).json()["name"] == name


def test_a_surrogate_in_json_is_refused(client: httpx.Client) -> None:
    body = b'{"name":"\\ud800","url":"rtsp://192.0.2.1/"}'
    answer = client.post("/api/streams", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


def test_a_name_is_there_once(client: httpx.Client) -> None:
    client.post("/api/streams", json=CAMERA)
    answer = client.post("/api/streams", json=CAMERA)
    assert (answer.status_code, answer.json()) == (409, {"error": "Stream already exists"})


def test_no_more_streams_than_allowed(tmp_path: Path) -> None:
    with running_api(tmp_path, max_streams=1) as api, api.client() as client:
        client.post("/api/streams", json=CAMERA)
        answer = client.post("/api/streams", json=CAMERA | {"name": "other"})
    assert answer.status_code == 409
    assert answer.json()["error"].startswith("Max streams limit reached (1/1)")


def test_a_deleted_stream_is_gone_and_its_recordings_stay(api: RunningApi, client: httpx.Client) -> None:
    client.post("/api/streams", json=CAMERA)
    api.recordings.add("Front Door", b"media")
    api.supervisors.applied.clear()
    assert client.delete("/api/streams/Front%20Door").status_code == 200
    assert api.supervisors.applied == [1]
    assert client.get("/api/streams/Front%20Door").json() == {"error": "Stream not found"}
    assert client.delete("/api/streams/Front%20Door").status_code == 404
    assert client.get("/api/recordings?stream=Front Door").json()["pagination"]["total"] == 1


def test_privacy_is_switched_alone(client: httpx.Client) -> None:
    client.post("/api/streams", json=CAMERA)
    answer = client.put("/api/streams/1", json={"set_privacy_mode": True, "priority": 1})
    assert answer.json() == {"success": True, "privacy_mode": True}
    stream = client.get("/api/streams/1").json()
    assert (stream["privacy_mode"], stream["priority"]) == (True, 5)


def test_a_disabled_stream_is_enabled_by_either_member(client: httpx.Client) -> None:
    for body in ({"enable_disabled": True}, {"enabled": True}):
        client.post("/api/streams", json=CAMERA)
        client.put("/api/streams/1", json={"enabled": False})
        assert client.put("/api/streams/1", json=body).json()["stream"]["enabled"] is True


def test_refresh_reconnects(api: RunningApi, client: httpx.Client) -> None:
    client.post("/api/streams", json=CAMERA)
    answer = api.client("watcher").post("/api/streams/Front%20Door/refresh")
    assert (answer.status_code, answer.json()["stream"], api.supervisors.refreshed) == (200, "Front Door", [1])
    assert "coalesced" not in answer.json()


def test_nobody_reconnects_a_camera_again_and_again(api: RunningApi, client: httpx.Client) -> None:
    client.post("/api/streams", json=CAMERA)
    first, again = (client.post("/api/streams/Front%20Door/refresh").json() for _ in range(2))
    assert (first["success"], again["success"], again["coalesced"]) == (True, True, True)
    assert 0 < again["retry_after_seconds"] <= 30
    assert api.supervisors.refreshed == [1]


def test_who_may_only_look_does_not_interrupt_what_is_recorded(api: RunningApi, client: httpx.Client) -> None:
    client.post("/api/streams", json=CAMERA)
    api.supervisors.statuses[1] = StreamStatus(state=StreamState.CONNECTED)
    answer = api.client("watcher").post("/api/streams/Front%20Door/refresh").json()
    assert (answer["coalesced"], answer["message"], api.supervisors.refreshed) == (True, "The camera is connected.", [])
    assert "coalesced" not in api.client("editor").post("/api/streams/Front%20Door/refresh").json()
    assert api.supervisors.refreshed == [1]


def test_a_camera_can_be_tried_out(api: RunningApi, client: httpx.Client) -> None:
    answer = client.post("/api/streams/test", json={"url": "rtsp://u:right@192.0.2.1/", "protocol": 1})
    info = {"width": 1920, "height": 1080, "fps": 15, "codec": "h264", "audio_codec": "aac"}
    assert answer.json() == {"success": True, "info": info}
    assert api.probe.asked[-1][1] == "udp"
    answer = client.post("/api/streams/test", json={"url": "rtsp://u:wrong@192.0.2.1/"})
    assert answer.status_code == 200
    assert answer.json() == {"success": False, "message": "rtsp://192.0.2.1/ refuses the user name or password."}
    fields = {"url": "rtsp://192.0.2.1/", "onvif_username": "u", "onvif_password": "right"}
    assert client.post("/api/streams/test", json=fields).json()["success"] is True
    assert client.post("/api/streams/test", json={"url": "/etc/passwd"}).status_code == 400


def test_basic_authentication_lists_streams(api: RunningApi) -> None:
    token = base64.b64encode(b"watcher:correct horse battery").decode()
    answer = httpx.get(f"{api.url}/api/streams", headers={"Authorization": f"Basic {token}"})
    assert answer.status_code == 200
