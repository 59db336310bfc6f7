"""Webhooks through the API: kept whole, secrets masked, for administrators."""

import json
from pathlib import Path

from tests.integration.api.running import running_api

BODY = {
    "name": "House",
    "url": "https://house.example.org/hook",
    "secret": "hunter2",
    "enabled": False,
    "filters": {"labels": ["person"], "hours": [{"start": "22:00", "end": "06:00", "days": [4]}]},
}


def test_a_webhook_is_made_changed_and_deleted(tmp_path: Path) -> None:
    with running_api(tmp_path) as api, api.client() as client:
        made = client.post("/api/webhooks", json=BODY)
        assert made.status_code == 201, made.text
        row = made.json()
        assert (row["secret"], row["filters"]["labels"], row["last_result"]) == ("********", ["person"], None)
        assert client.post("/api/webhooks", json=BODY).status_code == 409
        path = f"/api/webhooks/{row['id']}"
        changed = client.put(path, json=BODY | {"secret": "********", "name": "Home"})
        assert changed.status_code == 200, changed.text
        assert api.services.webhooks.get(row["id"]).secret == "hunter2"
        assert client.get("/api/webhooks").json()["webhooks"] == [client.get(path).json()]
        entries = client.get("/api/audit").json()["entries"]
        assert [entry["action"] for entry in entries[:3]] == ["change webhook", "add webhook", "add webhook"]
        assert client.delete(path).status_code == 204
        assert client.get(path).status_code == 404
        assert "hunter2" not in json.dumps(entries)
    assert b"hunter2" not in (tmp_path / "lightnvr.db").read_bytes()


def test_what_cannot_be_a_webhook_is_refused(tmp_path: Path) -> None:
    with running_api(tmp_path) as api, api.client() as client:
        for member in (
            {"url": "ftp://house.example.org/"},
            {"url": "http://user:password@house.example.org/"},
            {"name": ""},
            {"secret": "********"},
            {"filters": {"hours": [{"start": "24:00", "end": "06:00"}]}},
        ):
            answer = client.post("/api/webhooks", json=BODY | member)
            assert answer.status_code == 400, answer.text
            assert "hunter2" not in answer.text
    with running_api(tmp_path) as api, api.client("editor") as client:
        assert client.get("/api/webhooks").status_code == 403
