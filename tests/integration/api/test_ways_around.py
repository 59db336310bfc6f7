"""What somebody tries who knows the server well: ways around roles, restrictions, limits and the audit log."""

from tests.integration.api.running import PASSWORD, RunningApi

EDITOR = {"username": "editor", "password": PASSWORD}
CAMERA = "rtsp://192.0.2.1/"


def limited_to(api: RunningApi, tags: str) -> None:
    with api.client() as admin:
        admin.put("/api/auth/users/2", json={"allowed_tags": tags}).raise_for_status()


def test_a_new_stream_does_not_open_recordings_of_one_that_was_deleted(api: RunningApi) -> None:
    limited_to(api, "outdoor")
    recording = api.recordings.add("Bedroom", b"0123456789")
    with api.client("editor") as editor, api.client() as admin:
        made = editor.post("/api/streams", json={"name": "Bedroom", "url": CAMERA, "tags": "outdoor"})
        assert made.status_code == 403
        assert "Choose another name" in made.json()["error"]
        assert editor.get(f"/api/recordings/{recording.id}").status_code == 404
        assert editor.post("/api/streams", json={"name": "Gate", "url": CAMERA, "tags": "outdoor"}).status_code == 201
        admin.post("/api/streams", json={"name": "Bedroom", "url": CAMERA}).raise_for_status()
        # That a name is taken is told as ever.
        made = editor.post("/api/streams", json={"name": "Bedroom", "url": CAMERA, "tags": "outdoor"})
        assert made.status_code == 409
