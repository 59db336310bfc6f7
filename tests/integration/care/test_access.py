"""Who may do what with recordings."""

import pytest

from lightnvr.accounts.model import Role
from tests.integration.api.running import RunningApi
from tests.rig.care import keeping
from tests.rig.people import accounts

pytestmark = pytest.mark.anyio
_PASSWORD = "correct horse battery"
_READING = (
    "/api/recordings/tags",
    "/api/recordings/1/tags",
    "/api/recordings/detection-labels",
    "/api/recordings/thumbnail/1/0",
    "/api/recordings/batch-delete/progress/none",
    "/api/recordings/batch-download/status/none",
    "/api/recordings/batch-download/result/none",
)
_WRITING: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("PUT", "/api/recordings/1/tags", {"tags": []}),
    ("POST", "/api/recordings/batch-tags", {"ids": [1]}),
    ("POST", "/api/recordings/batch-delete", {"ids": [1]}),
)
_ADMINISTERING = (
    ("GET", "/api/recordings/files/check?path=/etc/passwd"),
    ("DELETE", "/api/recordings/files?path=/etc/passwd"),
)


def test_who_is_not_logged_in_may_nothing(api: RunningApi) -> None:
    calls: list[tuple[str, str, dict[str, object] | None]] = [*_WRITING]
    calls += [(method, path, None) for method, path in (*_ADMINISTERING, *(("GET", path) for path in _READING))]
    with api.client(None) as nobody:
        for method, path, body in calls:
            assert nobody.request(method, path, json=body).status_code == 401, path


def test_viewers_read_and_change_nothing(api: RunningApi) -> None:
    with api.client("watcher") as client:
        for path in _READING:
            assert client.get(path).status_code in {200, 404}, path
        for method, path, body in _WRITING:
            assert client.request(method, path, json=body).status_code == 403, path


def test_users_and_programs_change_recordings_and_only_administrators_touch_files(api: RunningApi) -> None:
    for user in ("editor", "machine"):
        with api.client(user) as client:
            for method, path, body in _WRITING:
                assert client.request(method, path, json=body).status_code in {200, 202, 404}, path
            for method, path in _ADMINISTERING:
                assert client.request(method, path).status_code == 403, path
    with api.client("admin") as client:
        for method, path in _ADMINISTERING:
            assert client.request(method, path).status_code == 400, path


def test_an_address_that_looks_like_a_recording_takes_its_own_methods_only(api: RunningApi) -> None:
    with api.client() as client:
        for method, path, allowed in (
            ("DELETE", "tags", "GET"),
            ("DELETE", "detection-labels", "GET"),
            ("GET", "batch-tags", "POST"),
            ("DELETE", "batch-tags", "POST"),
            ("GET", "batch-delete", "POST"),
            ("DELETE", "batch-delete", "POST"),
            ("GET", "batch-download", "POST"),
            ("DELETE", "batch-download", "POST"),
            ("GET", "files", "DELETE"),
        ):
            refused = client.request(method, f"/api/recordings/{path}")
            assert (refused.status_code, refused.headers.get("allow")) == (405, allowed), (method, path)


async def test_jobs_and_downloads_are_told_to_the_one_who_began_them_and_nobody_else(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async with keeping(tmp_path_factory.mktemp("server"), password=_PASSWORD) as kept, accounts(kept.nvr) as people:
        first, second = await kept.keep(2)
        await people.add("program", _PASSWORD, Role.API)
        other = {"X-API-Key": await people.renew_api_key("program")}
        job = (await kept.client.post("/api/recordings/batch-delete", json={"ids": [first]})).json()["job_id"]
        token = (await kept.client.post("/api/recordings/batch-download", json={"ids": [second]})).json()["token"]
        for path in (
            f"batch-delete/progress/{job}",
            f"batch-download/status/{token}",
            f"batch-download/result/{token}",
        ):
            assert (await kept.client.get(f"/api/recordings/{path}")).status_code == 200
            request = kept.client.build_request("GET", f"/api/recordings/{path}", headers=other)
            request.headers.pop("cookie", None)
            answer = await kept.client.send(request, auth=None)
            assert (answer.status_code, answer.json()["error"]) == (404, "Job not found")
        # The role API may delete.
        request = kept.client.build_request(
            "POST", "/api/recordings/batch-delete", headers=other, json={"ids": [second]}
        )
        request.headers.pop("cookie", None)
        assert (await kept.client.send(request, auth=None)).status_code == 202
