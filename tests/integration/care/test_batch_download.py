"""Several recordings are fetched as one ZIP, made while it is sent."""

import io
import zipfile
from pathlib import Path

import pytest

from lightnvr.playback.zip_stream import file_entry, zip_stream
from tests.rig.care import Keeping
from tests.rig.finished import media_files
from tests.rig.nvr import Row

pytestmark = pytest.mark.anyio


async def _started(kept: Keeping, body: dict[str, object]) -> Row:
    answer = await kept.client.post("/api/recordings/batch-download", json=body)
    assert answer.status_code == 202, answer.text
    started: Row = answer.json()
    return started


async def test_recordings_of_the_same_second_are_in_one_zip_under_names_of_their_own(kept: Keeping) -> None:
    doors, yards = await kept.keep(2), await kept.keep(1, stream="Yard ü")
    files = media_files(kept.nvr.root)
    for number, file in enumerate(files):
        file.write_bytes(bytes([number]) * (300_000 + number))
    started = await _started(kept, {"ids": [*doors, 9999, *yards, doors[0]]})
    assert (started["total"], started["missing_ids"]) == (3, [9999])
    token = started["token"]
    status = await kept.get(f"/batch-download/status/{token}")
    assert status == {"status": "complete", "current": 3, "total": 3, "error": ""}
    # Twice: the token is not used up.
    for _ in range(2):
        answer = await kept.client.get(f"/api/recordings/batch-download/result/{token}")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/zip"
        assert int(answer.headers["content-length"]) == len(answer.content)
        assert answer.headers["content-disposition"].startswith('attachment; filename="recordings.zip"')
        assert answer.headers["cache-control"].startswith("private")
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            contents = {name: archive.read(name) for name in archive.namelist()}
        assert contents == {
            f"{file.parents[3].name.replace('/', '_')}_{file.name}": file.read_bytes() for file in files
        }


async def test_the_name_of_the_zip_is_escaped(kept: Keeping) -> None:
    ids = await kept.keep(1)
    token = (await _started(kept, {"ids": ids, "filename": 'Ärger "x"; a=b.zip'}))["token"]
    answer = await kept.client.get(f"/api/recordings/batch-download/result/{token}")
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"_rger _x_; a=b.zip\"; filename*=UTF-8''%C3%84rger%20%22x%22%3B%20a%3Db.zip"
    )


async def test_what_is_gone_meanwhile_is_left_out(kept: Keeping) -> None:
    first, second = await kept.keep(2)
    token = (await _started(kept, {"ids": [first, second]}))["token"]
    await kept.client.delete(f"/api/recordings/{first}")
    answer = await kept.client.get(f"/api/recordings/batch-download/result/{token}")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert len(archive.namelist()) == 1
    await kept.client.delete(f"/api/recordings/{second}")
    assert (await kept.client.get(f"/api/recordings/batch-download/result/{token}")).status_code == 404


async def test_bad_lists_are_refused(kept: Keeping) -> None:
    refused: tuple[object, ...] = (None, [], "1", [0], ["1"], list(range(1, 202)))
    for ids in refused:
        assert (await kept.refused("POST", "/batch-download", json={"ids": ids})).startswith("ids ")


async def test_unknown_recordings_and_tokens_are_not_found(kept: Keeping) -> None:
    answer = await kept.client.post("/api/recordings/batch-download", json={"ids": [9999]})
    assert answer.status_code == 404
    for kind in ("status", "result"):
        answer = await kept.client.get(f"/api/recordings/batch-download/{kind}/none")
        assert (answer.status_code, answer.json()["error"]) == (404, "Job not found")


def test_a_file_that_became_shorter_breaks_the_download_off(tmp_path: Path) -> None:
    file = tmp_path / "short.mp4"
    file.write_bytes(bytes(10))
    with pytest.raises(OSError, match="ends at byte 10"):
        list(zip_stream([file_entry("short.mp4", file, 11, 1.7e9)]))
