"""A server with recordings that were made by hand: rows, files, what was detected in them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from lightnvr.db.engine import Database, database_url, open_database
from lightnvr.recording.detection import Box, Detection
from lightnvr.recording.marks import StoredMarks
from tests.rig.finished import keep
from tests.rig.nvr import Nvr, Row, running_nvr


def seen(stream: str, moment_us: int, label: str, *, until_us: int | None = None) -> Detection:
    """Something that was detected in the middle of a picture."""
    end_us = moment_us if until_us is None else until_us
    return Detection(stream, moment_us, end_us, label, 0.9, Box(0.4, 0.4, 0.2, 0.2))


@dataclass(frozen=True, slots=True)
class Keeping:
    """A running server, its database as seen from outside, its client."""

    nvr: Nvr
    database: Database

    @property
    def client(self) -> httpx.AsyncClient:
        """Calls as an administrator."""
        return self.nvr.client

    @property
    def marks(self) -> StoredMarks:
        """What detectors write to."""
        return StoredMarks(self.database)

    async def keep(self, count: int, **about: object) -> list[int]:
        """Store finished recordings with their files; see `tests.rig.finished`."""
        return await keep(self.database, self.nvr.root, count, **about)  # type: ignore[arg-type]

    async def get(self, place: str, **query: object) -> Row:
        """What the API answers to a GET that succeeds."""
        answer = await self.client.get(f"/api/recordings{place}", params={key: str(query[key]) for key in query})
        assert answer.status_code == 200, answer.text
        body: Row = answer.json()
        return body

    async def listed(self, **query: object) -> list[int]:
        """The ids of a list, and that its total is that of the ids."""
        answer = await self.get("", **{"limit": 1000, **query})
        ids = [row["id"] for row in answer["recordings"]]
        assert answer["pagination"]["total"] == len(ids), answer["pagination"]
        return ids

    async def refused(self, method: str, path: str, **request: object) -> str:
        """The sentence of an answer with 400."""
        answer = await self.client.request(method, f"/api/recordings{path}", **request)  # type: ignore[arg-type]
        assert answer.status_code == 400, answer.text
        error: str = answer.json()["error"]
        return error


@asynccontextmanager
async def keeping(
    folder: Path, *, password: str = "", generate_thumbnails: bool = True, thumbnails_per_recording: str = "3"
) -> AsyncIterator[Keeping]:
    """Run a server while the context is open, with a login when there is a password."""
    async with running_nvr(
        folder,
        password=password,
        retention_days=0,
        generate_thumbnails=generate_thumbnails,
        thumbnails_per_recording=thumbnails_per_recording,
    ) as nvr:
        database = open_database(database_url("", nvr.settings.database.path))
        try:
            yield Keeping(nvr, database)
        finally:
            await database.close()
