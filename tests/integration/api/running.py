"""The API as its clients see it: a real server on a port of loopback, with a real SQLite file."""

import random
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import httpx
import uvicorn
from fastapi import FastAPI

from lightnvr.accounts.administration import Administration
from lightnvr.accounts.entrance import EntranceRules, open_entrance
from lightnvr.accounts.first_steps import FirstSteps
from lightnvr.accounts.limiter import LimiterRules
from lightnvr.accounts.model import Role
from lightnvr.accounts.passwords import Passwords
from lightnvr.accounts.sessions import SessionRules
from lightnvr.accounts.store import AccountStore
from lightnvr.api.application import create_api
from lightnvr.api.auditing import Auditing
from lightnvr.api.services import ApiOptions, ApiServices, StorageRoots, StorageSpace, SystemServices
from lightnvr.api.serving import server_config
from lightnvr.backup.model import Contents, KeptFile
from lightnvr.backup.model import Role as BackupRole
from lightnvr.backup.restores import Restores
from lightnvr.backup.restoring import RestoreTargets
from lightnvr.backup.service import BackupRules, Backups
from lightnvr.backup.shelf import Shelf
from lightnvr.config import Settings
from lightnvr.config.in_force import SettingsInForce
from lightnvr.config.layers import SettingsLayers
from lightnvr.db.engine import Database, database_url, open_database
from lightnvr.db.migrating import known_revisions, migrate
from lightnvr.detection.model_list import ModelList
from lightnvr.detection.models_folder import ModelsFolder
from lightnvr.detection.results import DetectionResults
from lightnvr.detection.zones import ZoneStore
from lightnvr.events.log import EventLog
from lightnvr.events.pictures import EventPictures
from lightnvr.events.service import EventServices
from lightnvr.events.store import EventStore
from lightnvr.events.telling.outbox import Outbox
from lightnvr.events.telling.webhooks.delivery import WebhookTeller
from lightnvr.events.telling.webhooks.posting import PostingRules
from lightnvr.events.telling.webhooks.store import WebhookStore
from lightnvr.events.triggers import Triggers
from lightnvr.events.writing import EventWriting
from lightnvr.live.audience import Audience
from lightnvr.live.channels import Channels
from lightnvr.live.darkroom import Darkroom
from lightnvr.live.hls.outputs import HlsOutputs
from lightnvr.live.ice_servers import IceServer
from lightnvr.live.pictures import Pictures
from lightnvr.live.webrtc import WebRtc, WebRtcOptions
from lightnvr.logs import Logs
from lightnvr.media.packets import MediaPacket
from lightnvr.media.snapshot import UndecodablePicture
from lightnvr.playback.clips import Clips
from lightnvr.playback.downloads import Downloads
from lightnvr.playback.evidence.making import Evidence
from lightnvr.playback.thumbnail_cache import ThumbnailCache
from lightnvr.playback.thumbnails import Thumbnails
from lightnvr.playback.timeline import Timeline
from lightnvr.recording.batch_deletion import StoredBatchDeletions
from lightnvr.recording.days import StoredDays
from lightnvr.recording.digests import StoredDigests
from lightnvr.recording.disk import OsDisk
from lightnvr.recording.files import StoredFiles
from lightnvr.recording.marks import StoredMarks
from lightnvr.recording.open_recordings import OpenRecordings
from lightnvr.recording.recorded_time import StoredTime
from lightnvr.recording.removal import Removal
from lightnvr.recording.storage import Storage
from lightnvr.storage.daily import RecordedUse
from lightnvr.storage.retention import Rules, StreamRules
from lightnvr.streams.catalog import StreamCatalog
from lightnvr.streams.manual_recording import ManualRecordings
from lightnvr.streams.recording_control import LocalClock
from lightnvr.streams.secrets import SecretBox
from lightnvr.streams.store import StreamStore
from lightnvr.system.ending import Ending
from lightnvr.system.settings_store import StoredSettings
from lightnvr.wiring import FactorSeal
from tests.integration.api.fakes import (
    IdleKeeper,
    ListedRecordings,
    NotedEdges,
    NotedSupervisors,
    NothingLive,
    NothingWatched,
    QuickSync,
    ToldProbe,
)

PASSWORD = "correct horse battery"
USERS = {"admin": Role.ADMIN, "editor": Role.USER, "watcher": Role.VIEWER, "machine": Role.API}


@dataclass(slots=True)
class Clock:
    """Seconds since 1970 UTC, moved by hand."""

    seconds: float = 1_785_600_000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.seconds


@dataclass(slots=True)
class RunningApi:
    """A server, its address, and what stands behind it."""

    url: str
    services: ApiServices
    database: Database
    recordings: ListedRecordings
    supervisors: NotedSupervisors
    probe: ToldProbe
    clock: Clock
    keys: Mapping[str, str]

    def client(self, user: str | None = "admin") -> httpx.Client:
        """Return a client that calls as this user, with an API key; None is nobody."""
        headers = {} if user is None else {"X-API-Key": self.keys[user]}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)


@contextmanager
def running_api(
    folder: Path,
    *,
    auth_enabled: bool = True,
    max_streams: int = 32,
    options: ApiOptions | None = None,
    rules: LimiterRules | None = None,
    code_with_password: bool = False,
    trusted_days: int = 30,
) -> Iterator[RunningApi]:
    """Serve the API with four users, one of each role, until the block ends."""
    url = database_url("", folder / "lightnvr.db")
    database = open_database(url)
    clock = Clock()
    recordings, supervisors, probe = ListedRecordings(folder / "recordings"), NotedSupervisors(), ToldProbe()
    secrets = SecretBox.open(folder / "secret.key")
    entrance = open_entrance(
        database,
        EntranceRules(
            auth_enabled,
            SessionRules(24 * 3600, 168 * 3600),
            rules or LimiterRules(True, 5, 300),
            code_with_password=code_with_password,
            trusted_days=trusted_days,
        ),
        FactorSeal(secrets),
        ticket_key=secrets.derived_key("live tickets"),
        audit_key=secrets.derived_key("audit log"),
        initial_password_file=folder / "initial-admin-password.txt",
        now=clock,
        monotonic=clock,
    )
    base = Settings.model_validate({"general": {"data_dir": folder}})
    in_force = SettingsInForce(SettingsLayers.of(base), StoredSettings(database, FactorSeal(secrets), clock), base)
    catalog = StreamCatalog(database, StreamStore(secrets), max_streams=max_streams, segment_duration=900, now=clock)
    live = Channels(NothingLive(), Audience(entrance.authentication.standing.lapsed))
    removal = Removal(database, OsDisk(), OpenRecordings(), lambda: int(clock() * 1e6))
    clips = Clips(StoredTime(database, OpenRecordings()), recordings, lambda: int(clock() * 1e6))
    evidence_key = folder / "evidence-key.pem"
    services = ApiServices(
        authentication=entrance.authentication,
        administration=entrance.administration,
        sessions=entrance.sessions,
        logins=entrance.logins,
        sign_in=entrance.sign_in,
        second_factor=entrance.second_factor,
        presence=entrance.presence,
        audit=entrance.audit,
        auditing=Auditing(entrance.audit_writer, clock),
        streams=catalog,
        supervisors=supervisors,
        recordings=recordings,
        care=recordings,
        marks=StoredMarks(database),
        deletions=StoredBatchDeletions(database, removal, clock),
        files=StoredFiles(database, OsDisk(), OpenRecordings(), removal),
        downloads=Downloads(clock),
        thumbnails=Thumbnails(
            recordings, StoredTime(database, OpenRecordings()), ThumbnailCache(folder / "thumbnails", 2**20)
        ),
        manual=ManualRecordings(database, LocalClock(clock, _utc), supervisors.records),
        triggers=Triggers(NotedEdges(), StoredMarks(database), lambda: int(clock() * 1e6)),
        detection=NothingWatched(),
        models=ModelList(ModelsFolder(folder / "models")),
        daily_use=RecordedUse(StoredDays(database), _thirty_days, lambda: int(clock()) // 86_400),
        sync=QuickSync(),
        backups=_backups(folder, clock),
        restores=_restores(folder, clock),
        first_steps=FirstSteps(database, clock),
        keeper=IdleKeeper(),
        timeline=Timeline(StoredTime(database, OpenRecordings()), lambda: int(clock() * 1e6)),
        clips=clips,
        evidence=Evidence(clips, StoredDigests(database), evidence_key, "LightNVR", lambda: int(clock() * 1e6)),
        zones=ZoneStore(database),
        detected=DetectionResults(database),
        events=_events(database, folder, clock),
        live=live,
        pictures=Pictures(Darkroom(1), lambda monotonic_ns: monotonic_ns // 1000),
        webrtc=WebRtc(live, WebRtcOptions(), lambda: datetime.now(UTC), random.Random(1)),
        webhooks=WebhookTeller(
            WebhookStore(database, FactorSeal(secrets), clock), Outbox(database, clock), PostingRules(), clock, _utc
        ),
        hls=HlsOutputs(2.0, lambda monotonic_ns: monotonic_ns // 1000, clock),
        storage_roots=StorageRoots([Storage(1, "main", folder / "recordings")]),
        storage_space=_space,
        probe=probe,
        uptime=lambda: 86_400.0,
        now=clock,
        zone=_utc,
        system=SystemServices(in_force, Logs(), Ending(), StoredDays(database).totals),
        options=options or ApiOptions(version="1.2.3", ice_servers=(IceServer("stun:stun.example.org:3478"),)),
    )
    content, keys = _prepared_database()
    (folder / "lightnvr.db").write_bytes(content)
    running = RunningApi("", services, database, recordings, supervisors, probe, clock, keys)
    with _serving(create_api(services), database) as running.url:
        yield running


@cache
def _prepared_database() -> tuple[bytes, Mapping[str, str]]:
    """Return a SQLite file with the users in it, and their API keys. Hashing passwords is slow, so it is made once."""
    keys: dict[str, str] = {}

    async def prepare(folder: Path) -> None:
        url = database_url("", folder / "lightnvr.db")
        await migrate(url)
        database = open_database(url)
        administration = Administration(AccountStore(database), Passwords(), Clock(), folder / "none")
        for name, role in USERS.items():
            await administration.add(name, PASSWORD, role)
            keys[name] = await administration.renew_api_key(name)
        await database.close()

    with TemporaryDirectory() as folder:
        anyio.run(prepare, Path(folder))
        return (Path(folder) / "lightnvr.db").read_bytes(), keys


def _backups(folder: Path, clock: Clock) -> Backups:
    secret_key = KeptFile(BackupRole.SECRET_KEY, "secret.key", folder / "secret.key")
    contents = Contents(folder / "lightnvr.db", (secret_key,))
    return Backups(contents, Shelf(folder / "backups"), lambda: BackupRules(0, 3), "1.2.3", clock)


def _restores(folder: Path, clock: Clock) -> Restores:
    targets = RestoreTargets(
        data_dir=folder,
        database=folder / "lightnvr.db",
        settings=None,
        secret_key=folder / "secret.key",
        evidence_key=folder / "evidence-key.pem",
        initial_password=folder / "initial-admin-password.txt",
    )
    return Restores(Shelf(folder / "backups"), targets, known_revisions(), clock)


async def _thirty_days() -> Rules:
    return Rules({}, StreamRules(retention_days=30))


def _utc(_at: float) -> int:
    return 0


def _events(database: Database, folder: Path, clock: Clock) -> EventServices:
    async def no_jpeg(_keyframe: MediaPacket) -> bytes:
        raise UndecodablePicture("there is no camera")

    async def no_folder(_stream_id: int) -> None:
        return None

    pictures = EventPictures(folder / "recordings" / "snapshots", no_jpeg, no_folder, lambda _: None)
    log = EventLog(EventWriting(database), StoredMarks(database), pictures, lambda: int(clock() * 1e6))
    return EventServices(EventStore(database), log, pictures)


async def _space() -> StorageSpace:
    return StorageSpace(used_bytes=1000, available_bytes=2000)


class _Server(uvicorn.Server):
    """A server that closes the database with the event loop that its connections belong to."""

    def __init__(self, config: uvicorn.Config, database: Database) -> None:
        super().__init__(config)
        self._database = database

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish requests, then close the database."""
        await super().shutdown(sockets)
        await self._database.close()


@contextmanager
def _serving(app: FastAPI, database: Database) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = _Server(server_config(app), database)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
