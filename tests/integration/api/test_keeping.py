"""Which recordings stay, and how full the disk is, as clients of the API set and see it."""

import pytest

from tests.integration.api.fakes import IdleKeeper
from tests.integration.api.running import RunningApi


@pytest.fixture
def some(api: RunningApi) -> RunningApi:
    """An API with three recordings of two streams."""
    for stream in ("Front Door", "Front Door", "Yard"):
        api.recordings.add(stream, b"0123456789")
    return api


def test_protection_is_set_and_without_a_body_toggled(some: RunningApi) -> None:
    with some.client("editor") as client:
        path = "/api/recordings/2/protect"
        answer = client.put(path, json={"protected": True}).raise_for_status().json()
        assert answer == {"id": 2, "protected": True, "message": "Recording protected"}
        assert client.put(path, json={"protected": 1}).json()["protected"] is True
        assert client.get("/api/recordings/2").json()["protected"] is True
        assert client.put(path).json() == {"id": 2, "protected": False, "message": "Recording unprotected"}
        assert client.put(path).json()["protected"] is True
        assert client.delete("/api/recordings/2").status_code == 409
        refused = client.put(path, json={"protected": "yes"})
        assert (refused.status_code, refused.json()["error"]) == (400, "protected must be true or false")
        assert client.put(path, json={}).json()["error"] == "protected is missing"
        assert client.put("/api/recordings/99/protect").status_code == 404
        assert client.put("/api/recordings/99/protect", json={"protected": True}).status_code == 404


def test_a_recording_gets_an_age_of_its_own(some: RunningApi) -> None:
    with some.client("machine") as client:
        path = "/api/recordings/1/retention"
        answer = client.put(path, json={"retention_days": 90}).raise_for_status().json()
        assert answer == {"id": 1, "retention_days": 90, "message": "Custom retention set"}
        recording = client.get("/api/recordings/1").json()
        assert (recording["retention_days"], recording["retention_tier"]) == (90, "standard")
        assert client.put(path, json={"retention_days": 0}).json()["retention_days"] == 0
        answer = client.put(path, json={"retention_days": -5}).json()
        assert answer["message"] == "Retention override removed, using stream default"
        assert client.get("/api/recordings/1").json()["retention_days"] is None
        refused = client.put(path, json={"retention_days": "90"})
        assert refused.status_code == 400
        assert refused.json()["error"].startswith("retention_days must be a whole number")
        assert client.put(path, json={}).json()["error"] == "retention_days is missing"
        assert client.put("/api/recordings/99/retention", json={"retention_days": 1}).status_code == 404


def test_several_are_protected_at_once_and_really_counted(some: RunningApi) -> None:
    with some.client("editor") as client:
        body = {"ids": [1, 3, 99, 1], "protected": True}
        answer = client.post("/api/recordings/batch-protect", json=body).raise_for_status().json()
        assert answer == {
            "success_count": 2,
            "fail_count": 1,
            "failed_ids": [99],
            "protected": True,
            "message": "Recordings protected",
        }
        listed = client.get("/api/recordings/protected").raise_for_status().json()
        assert (listed["protected_count"], listed["stream_name"]) == (2, None)
        assert [recording["id"] for recording in listed["recordings"]] == [3, 1]
        assert listed["pagination"] == {"page": 1, "pages": 1, "total": 2, "limit": 20}
        listed = client.get("/api/recordings/protected", params={"stream": "Yard", "limit": 1, "page": 2}).json()
        assert (listed["protected_count"], listed["stream_name"], listed["recordings"]) == (1, "Yard", [])
        answer = client.post("/api/recordings/batch-protect", json={"ids": [], "protected": False}).json()
        assert (answer["success_count"], answer["message"]) == (0, "Recordings unprotected")
        for ids in ("1", ["1"], [0], [1.5], [2**63]):
            refused = client.post("/api/recordings/batch-protect", json={"ids": ids, "protected": True})
            assert refused.status_code == 400
            assert refused.json()["error"].startswith("ids ")


def test_an_address_that_looks_like_a_recording_takes_its_own_methods_only(some: RunningApi) -> None:
    with some.client("editor") as client:
        for method, path, allowed in (
            ("DELETE", "protected", "GET"),
            ("GET", "batch-protect", "POST"),
            ("DELETE", "sync", "GET, POST"),
        ):
            refused = client.request(method, f"/api/recordings/{path}")
            assert (refused.status_code, refused.headers["allow"]) == (405, allowed)
        assert client.get("/api/recordings/other").status_code == 400


def test_a_stream_says_how_long_its_recordings_are_kept(api: RunningApi) -> None:
    with api.client("editor") as client:
        client.post("/api/streams", json={"name": "Front Door", "url": "rtsp://192.0.2.1/x"}).raise_for_status()
        path = "/api/streams/Front%20Door/retention"
        defaults = {"retention_days": -1, "detection_retention_days": -1, "max_storage_mb": 0}
        assert client.get(path).raise_for_status().json() == {"stream_name": "Front Door", **defaults}
        answer = client.put(path, json={"retention_days": 14, "max_storage_mb": 1000}).raise_for_status().json()
        changed = {**defaults, "retention_days": 14, "max_storage_mb": 1000}
        message = "Retention config updated successfully"
        assert answer == {"stream_name": "Front Door", **changed, "message": message}
        stream = client.get("/api/streams/Front%20Door").json()
        assert {member: stream[member] for member in changed} == changed
        refused = client.put(path, json={"retention_days": 400, "max_storage_mb": 5})
        assert refused.status_code == 400
        assert refused.json()["error"] == "retention_days must be a whole number from -1 to 365"
        assert client.get(path).json()["max_storage_mb"] == 1000
        assert client.get("/api/streams/none/retention").status_code == 404
        assert client.put("/api/streams/none/retention", json={}).status_code == 404


def test_the_state_of_the_disk(api: RunningApi) -> None:
    with api.client("watcher") as client:
        state = client.get("/api/storage/health").raise_for_status().json()
    assert (state["pressure_level"], state["pressure_level_num"], state["free_space_pct"]) == ("Normal", 0, 50.0)
    assert (state["used_space_bytes"], state["fill_rate_bytes_per_day"]) == (500, 172_800.0)
    assert state["deleted"] == {"age": 3, "quota": 2, "total": 0, "space": 1}
    assert state["last_cleanup_freed"] == 300


def test_only_an_administrator_cleans_up(api: RunningApi) -> None:
    for user in ("watcher", "editor", "machine"):
        with api.client(user) as client:
            assert client.post("/api/storage/cleanup").status_code == 403
    with api.client() as client:
        answer = client.post("/api/storage/cleanup").raise_for_status().json()
        assert (answer["success"], answer["aggressive"], answer["deleted_count"]) == (True, False, 3)
        assert answer["message"] == "3 recordings were deleted."
        assert client.post("/api/storage/cleanup", json={"aggressive": True}).json()["aggressive"] is True
        refused = client.post("/api/storage/cleanup", json={"aggressive": "very"})
        assert refused.json() == {"error": "aggressive must be true or false"}
    assert isinstance(api.services.keeper, IdleKeeper)
    assert api.services.keeper.cleanups == [False, True]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/recordings/1/protect"),
        ("PUT", "/api/recordings/1/retention"),
        ("POST", "/api/recordings/batch-protect"),
        ("POST", "/api/recordings/sync"),
        ("PUT", "/api/streams/Front%20Door/retention"),
    ],
)
def test_who_only_watches_changes_nothing(some: RunningApi, method: str, path: str) -> None:
    with some.client("watcher") as client:
        assert client.request(method, path, json={"protected": True}).status_code == 403
    with some.client(None) as client:
        assert client.request(method, path, json={"protected": True}).status_code == 401
