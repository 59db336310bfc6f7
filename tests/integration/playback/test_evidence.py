"""Evidence says whether any byte of it was changed, and whose it is; the archive says which of its files were."""

import asyncio
import hashlib
import io
import json
import os
import random
import sqlite3
import stat
import subprocess
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cameras import camera
from tests.rig.footage import footage
from tests.rig.nvr import PATIENCE_S, Nvr, Row, WatchedStream, running_nvr
from tests.server_process import COMMAND

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class Recorded:
    """A server with one stream whose files are closed."""

    nvr: Nvr
    folder: Path
    stream: WatchedStream
    rows: list[Row]

    async def lightnvr(self, *words: str | Path, at: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command on the installation, or on an empty one `at` another place."""
        environment = os.environ | {"LIGHTNVR_DATA_DIR": str(at or self.folder), "HOME": str(self.folder)}
        return await asyncio.to_thread(
            lambda: subprocess.run(
                [COMMAND, *words], env=environment, capture_output=True, text=True, timeout=120, check=False
            )
        )

    @property
    def span(self) -> dict[str, str]:
        """All that was recorded."""
        return {
            "start": str(self.rows[0]["start_time_unix"] - 1),
            "end": str(self.rows[-1]["end_time_unix"] + 1),
        }

    def digests(self) -> dict[int, str]:
        """What the database has."""
        with sqlite3.connect(f"file:{self.nvr.settings.database.path}?mode=ro", uri=True) as database:
            query = "SELECT recording_id, sha256 FROM recording_digests WHERE taken_at IS NOT NULL"
            return dict(database.execute(query).fetchall())

    async def all_digests(self) -> dict[int, str]:
        """Wait until every recording has one."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + PATIENCE_S
        while len(found := await asyncio.to_thread(self.digests)) < len(self.rows):
            assert loop.time() < ends, found
            await asyncio.sleep(0.05)
        return found


@pytest.fixture
async def recorded(tmp_path: Path) -> AsyncIterator[Recorded]:
    """A few recordings of one camera."""
    async with running_nvr(tmp_path / "data") as nvr, camera() as cam:
        stream = await nvr.add(cam.url, name="Front Door")
        await nvr.cut_every(1.0, stream)
        await stream.has_recordings(lambda rows: len(rows) >= 3, "three files")
        yield Recorded(nvr, tmp_path / "data", stream, await stream.stopped())


async def test_each_recording_has_the_checksum_of_its_file_soon_after_it_is_closed(recorded: Recorded) -> None:
    found = await recorded.all_digests()
    assert found == {
        row["id"]: hashlib.sha256(Path(row["file_path"]).read_bytes()).hexdigest()  # noqa: ASYNC240
        for row in recorded.rows
    }


async def test_checksums_that_were_not_taken_before_the_end_are_taken_after_the_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with running_nvr(folder) as nvr, camera() as cam:
        stream = await nvr.add(cam.url, name="Front Door")
        await nvr.cut_every(1.0, stream)
        await stream.has_recordings(lambda rows: len(rows) >= 3, "three files")
        rows = await stream.stopped()
    with sqlite3.connect(nvr.settings.database.path) as database:
        database.execute("UPDATE recording_digests SET sha256 = NULL, taken_at = NULL")
    async with running_nvr(folder) as nvr:
        assert len(await Recorded(nvr, folder, stream, rows).all_digests()) == len(rows)


async def test_check_media_says_what_was_changed_truncated_and_lost(recorded: Recorded) -> None:
    await recorded.all_digests()
    fine = await recorded.lightnvr("check", "--media")
    assert fine.returncode == 0, fine.stdout + fine.stderr
    assert f"{len(recorded.rows)} recordings" in fine.stdout
    changed, truncated, lost = (Path(row["file_path"]) for row in recorded.rows[:3])
    await asyncio.to_thread(_change_a_byte, changed)
    os.truncate(truncated, truncated.stat().st_size - 10)
    lost.unlink()
    found = await recorded.lightnvr("check", "--media")
    assert found.returncode == 1
    lines = [line for line in found.stdout.splitlines() if line.startswith("BAD")]
    assert len(lines) == 3, found.stdout
    assert f"recording {recorded.rows[0]['id']} of Front Door" in lines[0]
    assert "was changed since it was closed" in lines[0]
    assert "was truncated: 10 of" in lines[1]
    assert "is missing" in lines[2]


async def test_evidence_from_the_command_line_is_checked_elsewhere(recorded: Recorded, tmp_path: Path) -> None:
    await recorded.all_digests()
    target, elsewhere = tmp_path / "proof.zip", tmp_path / "elsewhere"
    span = recorded.span
    made = await recorded.lightnvr(
        *("export", "--evidence", "--stream", "Front Door", "--start", span["start"], "--end", span["end"]),
        *("--output", target),
    )
    assert made.returncode == 0, made.stderr
    key_file = recorded.folder / "evidence-key.pem"
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    shown = await recorded.lightnvr("evidence-key")
    fingerprint = shown.stdout.splitlines()[0]
    verified = await recorded.lightnvr("verify", target, at=elsewhere)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert f"Signed with the key {fingerprint}" in verified.stdout
    assert "Camera Front Door" in verified.stdout
    assert (await recorded.lightnvr("verify", target, "--key", fingerprint, at=elsewhere)).returncode == 0
    other = await recorded.lightnvr("verify", target, "--key", "0" * 64, at=elsewhere)
    assert other.returncode == 1
    assert "another key than the one you expect" in other.stdout
    assert not elsewhere.exists()
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "unpacked")
        name = next(name for name in archive.namelist() if name.endswith(".mp4"))
        clip = archive.read(name)
        manifest = json.loads(archive.read("manifest.json"))
    assert len((await asyncio.to_thread(footage, clip)).numbers) == manifest["clip"]["pictures"]
    digests = recorded.digests()
    for source in manifest["sources"]:
        assert source["sha256_when_closed"] == source["sha256_when_exported"] == digests[source["recording"]]
    assert [source["recording"] for source in manifest["sources"]] == [row["id"] for row in recorded.rows]
    assert (await recorded.lightnvr("verify", tmp_path / "unpacked", at=elsewhere)).returncode == 0
    openssl = await asyncio.create_subprocess_exec(
        *("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "public-key.pem", "-rawin"),
        *("-in", "manifest.json", "-sigfile", "manifest.sig"),
        cwd=tmp_path / "unpacked",
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await openssl.communicate()
    assert (openssl.returncode, said.strip()) == (0, b"Signature Verified Successfully")


async def test_evidence_from_the_api_says_what_was_changed_on_the_recorder_before(
    recorded: Recorded, tmp_path: Path
) -> None:
    await recorded.all_digests()
    query = {**recorded.span, "evidence": "true"}
    sound = await recorded.nvr.client.get(f"{recorded.stream.path}/export", params=query)
    assert sound.status_code == 200, sound.text
    assert sound.headers["content-type"] == "application/zip"
    assert zipfile.ZipFile(io.BytesIO(sound.content)).testzip() is None
    key = await recorded.nvr.get("/api/evidence/key")
    (tmp_path / "key.pem").write_text(key["public_key"])
    (tmp_path / "sound.zip").write_bytes(sound.content)
    verified = await recorded.lightnvr("verify", tmp_path / "sound.zip", "--key", tmp_path / "key.pem")
    assert verified.returncode == 0, verified.stdout
    assert key["fingerprint"] in verified.stdout
    first = Path(recorded.rows[0]["file_path"])
    await asyncio.to_thread(_change_a_byte, first)
    tampered = await recorded.nvr.client.get(f"{recorded.stream.path}/export", params=query)
    (tmp_path / "tampered.zip").write_bytes(tampered.content)
    verified = await recorded.lightnvr("verify", tmp_path / "tampered.zip")
    assert verified.returncode == 1
    assert f"The file of recording {recorded.rows[0]['id']} had been changed on the recorder" in verified.stdout


def _change_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


async def test_any_changed_byte_of_evidence_is_noticed(recorded: Recorded, tmp_path: Path) -> None:
    from lightnvr.playback.evidence.verifying import NotEvidence, verify

    answer = await recorded.nvr.client.get(
        f"{recorded.stream.path}/export", params={**recorded.span, "evidence": "true"}
    )
    content = answer.content
    target = tmp_path / "proof.zip"

    def is_noticed(changed: bytes) -> bool:
        target.write_bytes(changed)
        try:
            return bool(verify(target).problems)
        except NotEvidence:
            return True

    def missed() -> list[int]:
        assert not is_noticed(content)
        assert is_noticed(content[:-1])
        assert is_noticed(content + b"\0")
        begins, ends = content.index(b"PK\x03\x04", 100), len(content)
        rng = random.Random(4)
        places = [*range(100), *rng.sample(range(begins, ends), 400), *rng.sample(range(100, begins), 50)]
        return [at for at in places if not is_noticed(content[:at] + bytes([content[at] ^ 8]) + content[at + 1 :])]

    assert await asyncio.to_thread(missed) == []
