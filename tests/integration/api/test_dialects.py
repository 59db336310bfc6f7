"""Clients of the original server are answered as they expect it: they ask for the dialect, or the settings say so."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lightnvr.api.services import ApiOptions
from lightnvr.streams.status import StreamState, StreamStatus
from tests.integration.api.running import RunningApi, running_api

DOCUMENTED = {"X-LightNVR-Dialect": "documented"}
LIGHTNVR = {"X-LightNVR-Dialect": "lightnvr"}
CAMERA = {"name": "Front Door", "url": "rtsp://user:secret@192.0.2.1/stream1"}
Row = dict[str, Any]


@pytest.fixture
def client(api: RunningApi) -> Iterator[httpx.Client]:
    """Calls in the dialect of the original, of a server with one stream."""
    with api.client() as client:
        client.post("/api/streams", json=CAMERA).raise_for_status()
        client.headers.update(LIGHTNVR)
        yield client


def stream(client: httpx.Client) -> Row:
    row: Row = client.get("/api/streams/Front%20Door").raise_for_status().json()
    return row


def in_state(api: RunningApi, state: StreamState, error: str = "") -> None:
    api.supervisors.statuses[1] = StreamStatus(state=state, last_error=error)


def test_the_settings_choose_and_the_header_overrides(tmp_path: Path) -> None:
    with running_api(tmp_path, options=ApiOptions(version="1", dialect="lightnvr")) as api, api.client() as client:
        assert client.get("/api/streams").json() == []
        assert client.get("/api/streams", headers=LIGHTNVR).json() == []
        assert client.get("/api/streams", headers=DOCUMENTED).json() == {"streams": []}


def test_a_dialect_that_is_none_is_refused(client: httpx.Client) -> None:
    refused = client.get("/api/streams", headers={"X-LightNVR-Dialect": "klingon"})
    assert refused.status_code == 400
    assert refused.json() == {"error": "X-LightNVR-Dialect must be one of 'documented' or 'lightnvr'"}


def test_streams_have_no_id_and_stand_in_a_bare_list(client: httpx.Client) -> None:
    (listed,) = client.get("/api/streams").json()
    assert "id" not in listed
    assert listed == stream(client)
    assert client.get("/api/streams/Front%20Door/full").json() == {"stream": listed}


def test_all_else_about_a_stream_is_the_same_in_both(client: httpx.Client) -> None:
    documented: Row = client.get("/api/streams/Front%20Door", headers=DOCUMENTED).json()
    original = stream(client)
    different = {"detection_threshold", "detection_based_recording", "status"}
    assert documented.keys() - original.keys() == {"id"}
    assert original.keys() - documented.keys() == {"go2rtc_hls_available"}
    # 0 and False are equal, but not the same on the wire.
    assert {name for name in documented if repr(original.get(name)) != repr(documented[name])} == different | {"id"}


@pytest.mark.parametrize(
    ("sent", "shown", "documented"), [(0.5, 50, 0.5), (53, 53, 0.53), (0.295, 30, 0.295), (1, 100, 1)]
)
def test_thresholds_are_percent(client: httpx.Client, sent: float, shown: int, documented: float) -> None:
    client.put("/api/streams/Front%20Door", json={"detection_threshold": sent}).raise_for_status()
    assert stream(client)["detection_threshold"] == shown
    in_both = client.get("/api/streams/Front%20Door", headers=DOCUMENTED).json()
    assert in_both["detection_threshold"] == pytest.approx(documented)


def test_truth_values_are_taken_as_numbers_too(client: httpx.Client) -> None:
    client.put("/api/streams/Front%20Door", json={"detection_based_recording": 1, "isOnvif": 1}).raise_for_status()
    shown = stream(client)
    assert (shown["detection_based_recording"], shown["isOnvif"], shown["is_onvif"]) == (True, True, True)


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (StreamState.CONNECTED, "Running"),
        (StreamState.CONNECTING, "Starting"),
        (StreamState.RECONNECTING, "Reconnecting"),
        (StreamState.ERROR, "Error"),
        (StreamState.STOPPED, "Stopped"),
    ],
)
def test_states_have_the_words_of_the_original(
    api: RunningApi, client: httpx.Client, state: StreamState, word: str
) -> None:
    in_state(api, state, "It refuses the password.")
    shown = stream(client)
    assert shown["status"] == word
    assert shown.get("error_message") == ("It refuses the password." if word == "Error" else None)


@pytest.mark.parametrize("change", [{"enabled": False}, {"streaming_enabled": False}, {"set_privacy_mode": True}])
def test_live_view_is_said_to_be_there_while_it_is(client: httpx.Client, change: Row) -> None:
    assert stream(client)["go2rtc_hls_available"] is True
    client.put("/api/streams/Front%20Door", json=change).raise_for_status()
    assert stream(client)["go2rtc_hls_available"] is False


def test_changes_are_accepted_and_in_force(api: RunningApi, client: httpx.Client) -> None:
    made = client.post("/api/streams", json={"name": "Yard", "url": "rtsp://192.0.2.2/x"})
    assert (made.status_code, made.json()) == (201, {"success": True})
    assert made.headers["Location"] == "/api/streams/Yard"
    changed = client.put("/api/streams/Yard", json={"segment_duration": 300})
    assert (changed.status_code, changed.json()["success"]) == (202, True)
    assert client.get("/api/streams/Yard").json()["segment_duration"] == 300
    assert api.supervisors.applied == [1, 2, 2]
    switched = client.put("/api/streams/Yard", json={"set_privacy_mode": True})
    assert (switched.status_code, switched.json()) == (200, {"success": True, "privacy_mode": True})
    refreshed = client.post("/api/streams/Yard/refresh")
    assert (refreshed.status_code, refreshed.json()["stream"]) == (202, "Yard")


def test_a_stream_that_is_deleted_is_switched_off_and_can_come_back(api: RunningApi, client: httpx.Client) -> None:
    for query in ("", "?permanent=false", "?permanent=TRUE"):
        answer = client.delete(f"/api/streams/Front%20Door{query}")
        assert answer.status_code == 202
        assert answer.json() == {"success": True, "permanent": False, "status": "accepted"}
    assert stream(client)["enabled"] is False
    assert api.supervisors.applied[1:] == [1, 1, 1]
    last = client.get("/api/audit", params={"action": "delete stream"}).json()["entries"][0]
    assert last["detail"] == "switched off, not deleted"
    client.put("/api/streams/Front%20Door", json={"enable_disabled": True}).raise_for_status()
    assert stream(client)["enabled"] is True


def test_a_stream_that_is_deleted_for_good_is_gone(api: RunningApi, client: httpx.Client) -> None:
    answer = client.delete("/api/streams/Front%20Door?permanent=true")
    assert (answer.status_code, answer.json()["permanent"]) == (202, True)
    assert client.get("/api/streams").json() == []
    assert api.supervisors.applied[1:] == [1]


def test_the_documented_dialect_deletes_whatever_is_said(client: httpx.Client) -> None:
    answer = client.delete("/api/streams/Front%20Door?permanent=false", headers=DOCUMENTED)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert client.get("/api/streams").json() == []


def test_viewers_delete_nothing_in_any_dialect(api: RunningApi, client: httpx.Client) -> None:
    with api.client("watcher") as watcher:
        for headers in (DOCUMENTED, LIGHTNVR):
            assert watcher.delete("/api/streams/Front%20Door", headers=headers).status_code == 403
    assert stream(client)["enabled"] is True


def test_recordings_that_are_being_written_are_not_listed(api: RunningApi, client: httpx.Client) -> None:
    done, being_written = api.recordings.add("Front Door", b"a"), api.recordings.add("Front Door", b"b", complete=False)
    for limit in ("20", "all"):
        listed = client.get("/api/recordings", params={"limit": limit}).json()
        assert [row["id"] for row in listed["recordings"]] == [done.id]
        assert listed["pagination"]["total"] == 1
        documented = client.get("/api/recordings", params={"limit": limit}, headers=DOCUMENTED).json()
        assert {row["id"] for row in documented["recordings"]} == {done.id, being_written.id}
    assert client.get(f"/api/recordings/{being_written.id}").json()["complete"] is False


def test_protecting_needs_a_body(api: RunningApi, client: httpx.Client) -> None:
    path = f"/api/recordings/{api.recordings.add('Front Door', b'a').id}/protect"
    refused = client.put(path)
    assert (refused.status_code, refused.json()) == (400, {"error": "protected is missing"})
    assert client.put(path, json={"protected": True}).json()["protected"] is True
    assert client.put(path, headers=DOCUMENTED).json()["protected"] is False


def test_a_new_user_is_answered_with_200(client: httpx.Client) -> None:
    body = {"username": "garden", "password": "a long secret"}
    made = client.post("/api/auth/users", json=body)
    assert (made.status_code, made.json()["username"]) == (200, "garden")
    made = client.post("/api/auth/users", json=body | {"username": "yard"}, headers=DOCUMENTED)
    assert (made.status_code, made.json()["username"]) == (201, "yard")


def test_what_is_kept_free_is_a_whole_number(client: httpx.Client) -> None:
    documented = client.get("/api/storage/health", headers=DOCUMENTED)
    assert '"capacity_target_free_pct":10.0,' in documented.text
    original = client.get("/api/storage/health")
    assert '"capacity_target_free_pct":10,' in original.text
    assert original.json() == documented.json()


def test_the_documentation_tells_of_both_forms(client: httpx.Client) -> None:
    document: Row = client.get("/api/openapi.json").json()
    listed = document["paths"]["/api/streams"]["get"]
    (header,) = [each for each in listed["parameters"] if each["in"] == "header"]
    assert header["name"] == "X-LightNVR-Dialect"
    forms = listed["responses"]["200"]["content"]["application/json"]["schema"]["anyOf"]
    assert [form["$ref"].rpartition("/")[2] for form in forms] == ["StreamList", "LightnvrStreamList"]
    assert "id" not in document["components"]["schemas"]["LightnvrStream"]["properties"]
    assert set(document["paths"]["/api/streams/{name}"]["delete"]["responses"]) >= {"200", "202"}
