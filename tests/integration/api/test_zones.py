"""Zones of streams."""

import pytest

from tests.integration.api.running import RunningApi

_CORNERS = [{"x": 0.1, "y": 0.1}, {"x": 0.9, "y": 0.1}, {"x": 0.5, "y": 0.9}]
_GATE = {"id": "zone_1", "name": "Gate", "polygon": _CORNERS}


@pytest.fixture
def door(api: RunningApi) -> str:
    """The zones of a stream."""
    with api.client() as client:
        body = {"name": "door", "url": "rtsp://192.0.2.1/x", "tags": "inside"}
        client.post("/api/streams", json=body).raise_for_status()
    return "/api/streams/door/zones"


def test_zones_are_replaced_listed_and_deleted(api: RunningApi, door: str) -> None:
    changed: list[int] = []
    api.services.zones.on_changed(changed.append)
    with api.client("editor") as client:
        assert client.get(door).json() == {"zones": []}
        lawn = {
            "id": "zone_2",
            "name": "Lawn",
            "enabled": True,
            "color": "#ff0000",
            "filter_classes": "person,dog",
            "min_confidence": 0.5,
            "anchor": "foot",
            "polygon": _CORNERS,
        }
        saved = client.post(door, json={"zones": [_GATE, lawn]})
        assert saved.json() == {"success": True, "message": "Zones saved successfully", "count": 2}
        defaults = {"enabled": False, "color": "#3b82f6", "filter_classes": "", "min_confidence": 0.0}
        gate = {**_GATE, "stream_name": "door", "anchor": "centre", **defaults}
        listed = client.get(door).json()["zones"]
        assert listed == [gate, {**lawn, "stream_name": "door"}]
        assert client.post(door, json={"zones": listed}).status_code == 200, "what was listed can be sent back"
        assert client.delete(door).json() == {"success": True, "message": "Zones deleted successfully"}
        assert client.get(door).json() == {"zones": []}
    assert len(changed) == 3


@pytest.mark.parametrize(
    ("zones", "said"),
    [
        ([{**_GATE, "polygon": _CORNERS[:2]}], "zones[0].polygon"),
        ([_GATE, {**_GATE, "id": "zone_2", "polygon": [*_CORNERS, {"x": 1.5, "y": 0}]}], "zones[1].polygon"),
        ([_GATE, {"name": "Lawn", "polygon": _CORNERS}], "zones[1].id is missing"),
        ([_GATE, {**_GATE, "name": "Lawn"}], "zones[1]: There is another zone with this id."),
        ([{**_GATE, "min_confidence": 2}], "zones[0].min_confidence"),
        ([{**_GATE, "color": "red;"}], "zones[0].color"),
        ([{**_GATE, "name": "a\x00b"}], "zones[0]"),
        ([{**_GATE, "id": f"zone_{number}"} for number in range(17)], "zones"),
        (None, "zones"),
    ],
)
def test_a_zone_that_cannot_be_one_is_named_and_nothing_is_stored(
    api: RunningApi, door: str, zones: object, said: str
) -> None:
    with api.client() as client:
        client.post(door, json={"zones": [_GATE]}).raise_for_status()
        refused = client.post(door, json={"zones": zones})
        assert refused.status_code == 400
        assert refused.json()["error"].startswith(said)
        assert [zone["name"] for zone in client.get(door).json()["zones"]] == ["Gate"]


def test_only_who_may_change_a_stream_changes_its_zones(api: RunningApi, door: str) -> None:
    with api.client("watcher") as watcher:
        assert watcher.get(door).status_code == 200
        assert watcher.post(door, json={"zones": []}).status_code == 403
        assert watcher.delete(door).status_code == 403
    with api.client() as client:
        for method in ("GET", "POST", "DELETE"):
            body: dict[str, list[str]] | None = {"zones": []} if method == "POST" else None
            assert client.request(method, "/api/streams/nobody/zones", json=body).status_code == 404


def test_zones_of_two_streams_may_have_the_same_id(api: RunningApi, door: str) -> None:
    with api.client() as client:
        client.post("/api/streams", json={"name": "hall", "url": "rtsp://192.0.2.2/x"}).raise_for_status()
        for path in (door, "/api/streams/hall/zones"):
            client.post(path, json={"zones": [_GATE]}).raise_for_status()
            assert len(client.get(path).json()["zones"]) == 1
