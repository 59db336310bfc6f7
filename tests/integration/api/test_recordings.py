"""/api/recordings as the specification has it."""

import socket
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import pytest

from lightnvr.api.recordings import attachment
from tests.integration.api.fakes import START_US
from tests.integration.api.running import RunningApi

MEDIA = bytes(range(256)) * 40
QUARTER_S = 900
START_S = START_US // 1_000_000


@pytest.fixture
def client(api: RunningApi) -> httpx.Client:
    for number in range(25):
        api.recordings.add("Front Door" if number % 2 else "Yard", MEDIA[: 5000 + number])
    return api.client("watcher")


def listed(client: httpx.Client, **query: object) -> list[int]:
    answer = client.get("/api/recordings", params={name: str(value) for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    return [recording["id"] for recording in answer.json()["recordings"]]


def test_a_recording_has_every_member(client: httpx.Client, api: RunningApi) -> None:
    recording = client.get("/api/recordings/2").json()
    assert recording == client.get("/api/recordings?sort=id&order=asc").json()["recordings"][1]
    assert recording == {
        "id": 2,
        "stream": "Front Door",
        "file_path": str(api.recordings.root / "mp4/Front_Door/recording_000002.mp4"),
        "start_time": "2026-08-01T10:15:00Z",
        "end_time": "2026-08-01T10:30:00Z",
        "start_time_unix": START_S + 900,
        "end_time_unix": START_S + 1800,
        "duration": 900,
        "size": "4.9 KB",
        "size_bytes": 5001,
        "capture_method": "continuous",
        "schedule_restricted": False,
        "has_detection": False,
        "protected": False,
        "detection_labels": [],
        "tags": [],
        "complete": True,
        "codec": "h264",
        "width": 1280,
        "height": 720,
        "fps": 15.0,
        "damaged": "",
        "retention_days": None,
        "retention_tier": "standard",
        "storage": "main",
        "offline": False,
    }


def test_pages(client: httpx.Client) -> None:
    answer = client.get("/api/recordings").json()
    assert answer["pagination"] == {"page": 1, "pages": 2, "total": 25, "limit": 20}
    assert [recording["id"] for recording in answer["recordings"]] == list(range(25, 5, -1))
    assert listed(client, page=2) == [5, 4, 3, 2, 1]
    assert listed(client, page=3) == []
    assert listed(client, page=10**12, limit=1000) == []


def test_everything_on_one_page(client: httpx.Client) -> None:
    answer = client.get("/api/recordings?limit=ALL&order=asc").json()
    assert [recording["id"] for recording in answer["recordings"]] == list(range(1, 26))
    assert answer["pagination"] == {"page": 1, "pages": 1, "total": 25, "limit": 25}
    nothing = client.get("/api/recordings?limit=all&stream=none").json()
    assert nothing == {"recordings": [], "pagination": {"page": 1, "pages": 0, "total": 0, "limit": 1}}


def test_everything_can_be_more_than_a_thousand(client: httpx.Client, api: RunningApi) -> None:
    for _ in range(2000 - 25):
        api.recordings.add("Many", b"x")
    answer = client.get("/api/recordings?limit=all").json()
    assert len(answer["recordings"]) == answer["pagination"]["total"] == 2000


def test_filters_and_order(client: httpx.Client) -> None:
    assert listed(client, stream="Yard", limit=3) == [25, 23, 21]
    assert len(listed(client, stream=" Yard , Front Door,Yard", limit=100)) == 25
    assert listed(client, stream="none") == []
    assert listed(client, sort="size_bytes", order="asc", limit=2) == [1, 2]
    assert listed(client, sort="stream_name", order="asc", limit=2) == [2, 4]


def test_a_stream_with_a_comma_in_its_name_can_be_asked_for(client: httpx.Client, api: RunningApi) -> None:
    api.recordings.add("Garden, left", b"x")
    assert listed(client, stream="Garden, left") == [26]
    assert len(listed(client, stream="Front Door,Yard", limit=100)) == 25


@pytest.mark.parametrize(
    "start",
    [
        "2026-08-01T15:30:00Z",
        "2026-08-01T15:30:00",
        "2026-08-01T17:30:00+02:00",
        "2026-08-01T17:30:00 02:00",
        "2026-08-01T15:29:59.001Z",
        "20260801T153000Z",
        str(START_S + 22 * QUARTER_S),
        f"{START_S + 22 * QUARTER_S}.0",
    ],
)
def test_times_are_understood_in_many_forms(client: httpx.Client, start: str) -> None:
    assert listed(client, start=start) == [25, 24, 23]


def test_both_ends_are_included_and_a_date_is_a_whole_day(client: httpx.Client) -> None:
    assert listed(client, start=START_S, end=START_S + QUARTER_S) == [2, 1]
    assert len(listed(client, start="2026-08-01", end="2026-08-01", limit=100)) == 25
    assert listed(client, start="2026-08-02") == []
    assert listed(client, end="2026-07-31") == []


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("start=yesterday", "start"), ("end=2026-13-01", "end"), ("start=99999999999999", "start"), ("start=", "start"),
        ("page=0", "page"), ("page=x", "page"), ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=some", "limit"),
        ("limit=9999999999999999999999", "limit"), ("sort=name", "sort"), ("order=up", "order"),
        ("stream=%00", "stream"),
    ],
)  # fmt: skip
def test_bad_queries_are_refused_by_name(client: httpx.Client, query: str, named: str) -> None:
    answer = client.get(f"/api/recordings?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(named)


@pytest.mark.parametrize("number", ["0", "x", "-1", "12abc", "9" * 30, "1.5"])
def test_bad_ids_are_refused(client: httpx.Client, number: str) -> None:
    for path in (f"/api/recordings/{number}", f"/api/recordings/play/{number}"):
        assert client.get(path).status_code == 400


def test_unknown_recordings_and_lost_files(client: httpx.Client, api: RunningApi) -> None:
    assert client.get("/api/recordings/99").json() == {"error": "Recording not found"}
    (api.recordings.root / "mp4/Yard/recording_000001.mp4").unlink()
    answer = client.get("/api/recordings/play/1")
    assert (answer.status_code, answer.json()) == (404, {"error": "Recording file not found"})


def test_the_whole_file_is_played(client: httpx.Client) -> None:
    answer = client.get("/api/recordings/play/1?t=5")
    assert (answer.status_code, answer.content) == (200, MEDIA[:5000])
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"].startswith("private")
    head = client.head("/api/recordings/play/1")
    assert head.content == b""
    assert {name: head.headers[name] for name in ("content-length", "etag", "last-modified", "content-type")} == {
        name: answer.headers[name] for name in ("content-length", "etag", "last-modified", "content-type")
    }


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-0", 0, 1), ("bytes=100-199", 100, 200), ("bytes=4990-", 4990, 5000), ("bytes=-10", 4990, 5000),
        ("bytes=-9999", 0, 5000), ("bytes=4000-99999", 4000, 5000), ("bytes=0-" + "9" * 5000, 0, 5000),
        ("BYTES=1-2", 1, 3),
    ],
)  # fmt: skip
def test_a_part_of_the_file(client: httpx.Client, header: str, start: int, stop: int) -> None:
    answer = client.get("/api/recordings/play/1", headers={"Range": header})
    assert (answer.status_code, answer.content) == (206, MEDIA[start:stop])
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/5000"
    assert client.head("/api/recordings/play/1", headers={"Range": header}).headers["content-length"] == str(
        stop - start
    )


@pytest.mark.parametrize("header", ["bytes=5000-", "bytes=99999-100000", "bytes=-0"])
def test_a_part_that_is_not_there(client: httpx.Client, header: str) -> None:
    answer = client.get("/api/recordings/play/1", headers={"Range": header})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */5000")
    assert answer.json() == {"error": "Requested Range Not Satisfiable"}


@pytest.mark.parametrize("header", ["items=0-1", "bytes=5-2", "bytes=a-b", "bytes=-", "bytes=0-1,5-6", "nonsense"])
def test_a_range_that_is_not_understood_gives_the_whole_file(client: httpx.Client, header: str) -> None:
    answer = client.get("/api/recordings/play/1", headers={"Range": header})
    assert (answer.status_code, len(answer.content)) == (200, 5000)


def test_conditions(client: httpx.Client) -> None:
    answer = client.get("/api/recordings/play/1")
    tag, modified = answer.headers["etag"], answer.headers["last-modified"]

    def status(**headers: str) -> int:
        return client.get(
            "/api/recordings/play/1", headers={name.replace("_", "-"): value for name, value in headers.items()}
        ).status_code

    assert status(if_none_match=tag) == 304
    assert status(if_none_match=f'"other", W/{tag}') == 304
    assert status(if_none_match="*") == 304
    assert status(if_none_match='"other"') == 200
    assert status(if_modified_since=modified) == 304
    assert status(if_modified_since="Thu, 01 Jan 1970 00:00:00 GMT") == 200
    assert status(if_modified_since="yesterday") == 200
    assert status(range="bytes=0-1", if_range=tag) == 206
    assert status(range="bytes=0-1", if_range=modified) == 206
    assert status(range="bytes=0-1", if_range='"other"') == 200


def test_an_open_recording_is_played_up_to_what_is_whole(client: httpx.Client, api: RunningApi) -> None:
    recording = api.recordings.add("Yard", MEDIA[:1000], complete=False)
    file = api.recordings.root / recording.path
    with file.open("ab") as growing:
        growing.write(b"half a fragment")
    assert client.get("/api/recordings?limit=1").json()["recordings"][0]["complete"] is False
    answer = client.get(f"/api/recordings/play/{recording.id}")
    assert (answer.headers["content-length"], answer.content) == ("1000", MEDIA[:1000])


def test_a_download_has_the_name_of_its_stream(client: httpx.Client, api: RunningApi) -> None:
    recording = api.recordings.add('Tür "7"', MEDIA)
    answer = client.get(f"/api/recordings/download/{recording.id}")
    assert answer.content == MEDIA
    assert answer.headers["content-disposition"] == (
        'attachment; filename="T_r _7__recording_000026.mp4"; '
        "filename*=UTF-8''T%C3%BCr%20%227%22_recording_000026.mp4"
    )
    part = client.get(f"/api/recordings/download/{recording.id}", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, MEDIA[:4])


@pytest.mark.parametrize(
    "name", ['a"b', "a\r\nSet-Cookie: session=x", "a\\b", "50%", "\u202egpj.exe", "\U0001f6aa", "a;b", "../x"]
)
def test_no_name_breaks_out_of_its_header(name: str) -> None:
    header = attachment(name)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
    encoded = header.partition("filename*=UTF-8''")[2]
    assert unquote(encoded) == name
    assert not set(encoded) & set(' ";,/\\')


def test_clients_that_never_read_do_not_stop_the_others(client: httpx.Client, api: RunningApi) -> None:
    recording = api.recordings.add("Big", bytes(20_000_000))
    address = urlsplit(api.url)
    idle = []
    for _ in range(8):
        connection = socket.create_connection((address.hostname or "", address.port or 0))
        connection.sendall(
            f"GET /api/recordings/play/{recording.id} HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"X-API-Key: {api.keys['watcher']}\r\n\r\n".encode()
        )
        idle.append(connection)
    assert client.get(f"/api/recordings/play/{recording.id}").content == bytes(20_000_000)
    for connection in idle:
        connection.close()
    assert client.get("/api/recordings/play/1").status_code == 200


def test_deleting(client: httpx.Client, api: RunningApi) -> None:
    editor, admin = api.client("editor"), api.client()
    kept = api.recordings.add("Yard", b"x", protected=True).id
    growing = api.recordings.add("Yard", b"x", complete=False).id
    assert editor.delete("/api/recordings/1").json() == {"success": True, "message": "Recording deleted successfully"}
    assert editor.delete("/api/recordings/1").status_code == 404
    assert api.client("machine").delete("/api/recordings/2").status_code == 200
    assert client.delete("/api/recordings/3").status_code == 403
    assert editor.delete(f"/api/recordings/{growing}").status_code == 409
    assert admin.delete(f"/api/recordings/{kept}").status_code == 409
    assert editor.delete(f"/api/recordings/{kept}?force=true").status_code == 403
    assert admin.delete(f"/api/recordings/{kept}?force=true").status_code == 200


def test_a_file_that_shrinks_while_it_is_sent_ends_the_answer(client: httpx.Client, api: RunningApi) -> None:
    recording = api.recordings.add("Yard", MEDIA, size_bytes=len(MEDIA) + 1)
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(f"/api/recordings/play/{recording.id}")


def test_paths_are_named_relative_to_a_storage_that_is_not_known(client: httpx.Client, api: RunningApi) -> None:
    recording = api.recordings.add("Yard", MEDIA, storage_id=2)
    shown = client.get(f"/api/recordings/{recording.id}").json()["file_path"]
    assert not Path(shown).is_absolute()


def test_one_user_does_not_take_up_the_downloads_of_all(api: RunningApi) -> None:
    body = {"ids": [api.recordings.add("Front Door", b"0123456789").id]}
    with api.client("watcher") as one, api.client("machine") as other:
        statuses = [one.post("/api/recordings/batch-download", json=body).status_code for _ in range(21)]
        assert statuses == [202] * 20 + [503]
        assert other.post("/api/recordings/batch-download", json=body).status_code == 202
