"""Events as the tests make them up, and what tells of them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lightnvr.db.engine import Database, database_url, open_database
from lightnvr.db.migrating import migrate
from lightnvr.events.edges import Origin
from lightnvr.events.model import ChangeKind, Event, EventChange
from lightnvr.events.telling.broker import BrokerOptions
from lightnvr.events.telling.messages import ToldStream
from lightnvr.events.telling.pictures import TellingPictures
from lightnvr.events.telling.service import Telling, telling
from lightnvr.events.telling.webhooks.posting import PostingRules
from lightnvr.events.telling.webhooks.store import WebhookStore
from lightnvr.media.packets import MediaPacket
from lightnvr.recording.detection import Box, Detection

DOOR = ToldStream(1, "Front Door", "Front_Door", enabled=True, watched=True)
YARD = ToldStream(2, "Yard.1", "Yard_1", enabled=True, watched=True)
SECOND_US = 1_000_000
NOW_US = 1_785_585_600 * SECOND_US


class PlainSeal:
    """Turns texts around: what is stored is not what is meant."""

    def seal(self, text: str) -> str:
        """See Seal."""
        return text[::-1]

    def reveal(self, sealed: str) -> str:
        """See Seal."""
        return sealed[::-1]


@dataclass(slots=True)
class MadeUpChanges:
    """Implements `EventChanges` for changes that a test makes up."""

    followers: list[Callable[[EventChange], None]] = field(default_factory=list)
    number: int = 0

    def follow(self, changed: Callable[[EventChange], None]) -> None:
        """See EventChanges."""
        self.followers.append(changed)

    def unfollow(self, changed: Callable[[EventChange], None]) -> None:
        """See EventChanges."""
        self.followers.remove(changed)

    def happen(
        self,
        kind: ChangeKind = ChangeKind.BEGAN,
        *labels: str,
        stream: ToldStream = DOOR,
        event_id: int = 1,
        origin: Origin = Origin.MODEL,
        picture: str = "",
        box: Box = Box(0.1, 0.2, 0.3, 0.4),  # noqa: B008
    ) -> EventChange:
        """Have a change happen, with one detection for each label."""
        self.number += 1
        seen = tuple(
            Detection(stream.name, NOW_US, NOW_US, label, 0.9, box, stream.id, track_id=7, zone="porch")
            for label in labels
        )
        end_us = NOW_US if kind is ChangeKind.ENDED else None
        event = Event(event_id, stream.id, stream.name, NOW_US, end_us, (origin,), picture=picture)
        change = EventChange(self.number, kind, event, NOW_US, seen)
        for follower in self.followers:
            follower(change)
        return change


@dataclass(slots=True)
class Teller:
    """What tells of made-up changes, and the streams there are."""

    database: Database
    root: Path
    changes: MadeUpChanges = field(default_factory=MadeUpChanges)
    streams: list[ToldStream] = field(default_factory=lambda: [DOOR, YARD])

    async def all_streams(self) -> list[ToldStream]:
        """The streams there are now."""
        return list(self.streams)

    @asynccontextmanager
    async def telling(self, options: BrokerOptions) -> AsyncIterator[Telling]:
        """Tell of changes while the context is open."""

        async def develop(_keyframe: MediaPacket) -> bytes | None:
            return None

        pictures = TellingPictures(self.root, develop, lambda _stream_id: None)
        async with telling(
            self.database,
            self.changes,
            options,
            pictures,
            self.all_streams,
            WebhookStore(self.database, PlainSeal(), lambda: NOW_US / 1e6),
            PostingRules(),
            version="1.2.3",
            now=lambda: NOW_US / 1e6,
            zone=lambda _at: 0,
        ) as service:
            yield service


@pytest.fixture
async def teller(tmp_path: Path) -> AsyncIterator[Teller]:
    """A teller with a database of its own and two streams."""
    url = database_url("", tmp_path / "lightnvr.db")
    await migrate(url)
    database = open_database(url)
    yield Teller(database, tmp_path / "snapshots")
    await database.close()
