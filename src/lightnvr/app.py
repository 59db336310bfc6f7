"""The composition root: builds every service, hands them to the API, and owns what runs."""

import asyncio
import logging
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lightnvr import __version__
from lightnvr.accounts.entrance import open_entrance
from lightnvr.accounts.first_account import make_first_account
from lightnvr.accounts.first_steps import FirstSteps
from lightnvr.accounts.passwords import Passwords
from lightnvr.accounts.store import AccountStore
from lightnvr.api.application import create_api
from lightnvr.api.auditing import Auditing
from lightnvr.api.services import ApiServices, StorageRoots, StorageSpace, SystemServices
from lightnvr.caring import caring
from lightnvr.config import Settings
from lightnvr.config.in_force import SettingsInForce
from lightnvr.config.layers import SettingsLayers
from lightnvr.db.engine import Database, database_url, open_database
from lightnvr.detection.model_list import ModelList
from lightnvr.detection.models_folder import ModelsFolder
from lightnvr.detection.results import DetectionResults
from lightnvr.detection.zones import ZoneStore
from lightnvr.events.log import EventLog
from lightnvr.events.pruning import EventPruning
from lightnvr.events.reactions import Reactions
from lightnvr.happening import happening, snapshots
from lightnvr.live.channels import Channels
from lightnvr.live.connections import Seats, ViewerLimits
from lightnvr.live.hls.outputs import HlsOutputs
from lightnvr.live.pictures import Pictures
from lightnvr.logs import Logs
from lightnvr.media.address import SourceAddress
from lightnvr.media.opening import Transport
from lightnvr.media.probe import ProbeResult, probe
from lightnvr.notifying import notifying
from lightnvr.playback.clips import Clips
from lightnvr.playback.downloads import Downloads
from lightnvr.playback.evidence.making import Evidence
from lightnvr.playback.timeline import Timeline
from lightnvr.process import housekeeping, leave_out_of_collections
from lightnvr.reacting import reacting
from lightnvr.recording import detection_pruning
from lightnvr.recording.archive import StoredArchive
from lightnvr.recording.care import StoredCare
from lightnvr.recording.days import StoredDays
from lightnvr.recording.digests import StoredDigests
from lightnvr.recording.disk import OsDisk
from lightnvr.recording.engine import RecordingEngine, RecordingOptions
from lightnvr.recording.files import StoredFiles
from lightnvr.recording.layout import DirectoryFormat
from lightnvr.recording.marks import StoredMarks
from lightnvr.safekeeping import safekeeping, upgrade
from lightnvr.seeing import seeing
from lightnvr.servers import open_darkroom, open_live, serve_http, serve_relay, serve_rtsp, serve_webrtc, tls_of
from lightnvr.steering import Steered, api_options, log_options, unable_to_listen
from lightnvr.storage.daily import RecordedUse
from lightnvr.storage.keeper import Keeper
from lightnvr.storage.retention import Rules
from lightnvr.streams.catalog import StreamCatalog
from lightnvr.streams.fleet import Fleet
from lightnvr.streams.history import StreamHistory
from lightnvr.streams.live_inputs import CatalogLiveInputs
from lightnvr.streams.manual_recording import ManualRecordings
from lightnvr.streams.model import Stream
from lightnvr.streams.plan import StreamPlan
from lightnvr.streams.recording_control import LocalClock
from lightnvr.streams.schedule import system_zone
from lightnvr.streams.secrets import SecretBox
from lightnvr.streams.store import StreamStore
from lightnvr.system.ending import Ending
from lightnvr.system.settings_store import StoredSettings
from lightnvr.wiring import (
    FactorSeal,
    HubRecorder,
    entrance_rules,
    keeping,
    plan_for,
    rules_for,
    storage_plan,
)

_STOP_STREAMS_S = 2.5
_PROBE_S = 10.0
"""How long answers that are on their way may take when the server stops."""


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunningServer:
    """The server while it runs: the TCP ports it listens on, its task, its parts.

    `rtsp_port` is None without RTSP, `relay_port` (of [go2rtc] api_port) without the addresses of the original's relay.
    """

    port: int
    rtsp_port: int | None
    relay_port: int | None
    task: asyncio.Task[None]
    catalog: StreamCatalog
    fleet: Fleet
    live: Channels
    events: EventLog
    reactions: Reactions
    settings: Settings
    """As they were at the start, with those that were stored."""


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    layers: SettingsLayers | None = None,
    logs: Logs | None = None,
    ending: Ending | None = None,
    show_password: bool = True,
    viewer_limits: ViewerLimits | None = None,
    settings_file: Path | None = None,
) -> AsyncIterator[RunningServer]:
    """Run everything while the context is open; leaving it finishes every file.

    `layers` say where `settings` come from, so that those that are stored find their place among them. Whoever asks the
    API for the end sets `ending`. `viewer_limits` are those of the settings unless given.

    Raises OSError, UnusableDatabase, UnusableKeyFile, UnusableCertificate, InvalidAccount, BackupFailed.
    """
    began = time.monotonic()
    if not settings.database.url:
        settings.database.path.parent.mkdir(parents=True, exist_ok=True)
    secrets = SecretBox.open(settings.secret_key_file)
    url = database_url(settings.database.url, settings.database.path)
    await upgrade(settings, url, settings_file)
    database = open_database(url)
    try:
        seal = FactorSeal(secrets)
        stored = StoredSettings(database, seal, time.time)
        in_force = SettingsInForce(layers or SettingsLayers.of(settings), stored, settings, unable_to_listen)
        settings = await in_force.load()
        if logs is None:
            logs = Logs()
        else:
            logs.take(log_options(settings.general))
        catalog = StreamCatalog(
            database,
            StreamStore(secrets),
            max_streams=settings.streams.max_streams,
            storages=settings.storage.roots,
            segment_duration=settings.storage.mp4_segment_duration,
            now=time.time,
        )
        entrance = open_entrance(
            database,
            entrance_rules(settings.web),
            seal,
            ticket_key=secrets.derived_key("live tickets"),
            audit_key=secrets.derived_key("audit log"),
            initial_password_file=settings.initial_password_file,
            now=time.time,
            monotonic=time.monotonic,
        )
        async with (
            aclosing(entrance.audit_writer),
            _recording(settings, database, catalog) as (engine, fleet, manual),
            _keeping(in_force, database, catalog, engine) as keeper,
            open_live(CatalogLiveInputs(catalog, fleet), entrance.authentication) as live,
            serve_webrtc(settings, live) as webrtc,
            open_darkroom() as darkroom,
            happening(database, engine, catalog, fleet, darkroom) as happened,
            caring(settings, database, engine) as care,
            safekeeping(settings, settings_file, engine.sync, lambda: in_force.current) as (backups, restores),
            housekeeping(),
            _history(fleet) as history,
            notifying(settings, database, catalog, fleet, darkroom, seal, snapshots(engine), happened.log) as telling,
            reacting(catalog, fleet, engine, marks := StoredMarks(database), happened.log) as (reactions, triggers),
            seeing(
                in_force, zones := ZoneStore(database), catalog, fleet, reactions, engine.place.clock.wall_us
            ) as detection,
        ):
            fleet.on_applied(live.stream_changed)
            await _first_account(settings, AccountStore(database), show_password=show_password)
            clips = Clips(care.recorded, care.recordings, engine.place.clock.now_us)
            services = ApiServices(
                authentication=entrance.authentication,
                administration=entrance.administration,
                sessions=entrance.sessions,
                logins=entrance.logins,
                sign_in=entrance.sign_in,
                second_factor=entrance.second_factor,
                presence=entrance.presence,
                audit=entrance.audit,
                auditing=Auditing(entrance.audit_writer, time.monotonic),
                streams=catalog,
                supervisors=fleet,
                recordings=care.recordings,
                care=StoredCare(database),
                marks=marks,
                deletions=care.deletions,
                files=StoredFiles(database, OsDisk(), engine.open_recordings, engine.removal),
                downloads=Downloads(time.monotonic),
                thumbnails=care.thumbnails,
                manual=manual,
                triggers=triggers,
                detection=detection,
                models=ModelList(ModelsFolder(settings.models.path)),
                daily_use=_daily_use(in_force, database, catalog),
                sync=engine.sync,
                backups=backups,
                restores=restores,
                first_steps=FirstSteps(database, time.time),
                keeper=keeper,
                timeline=Timeline(care.recorded, lambda: int(time.time() * 1e6)),
                clips=clips,
                evidence=Evidence(
                    clips,
                    StoredDigests(database),
                    settings.evidence_key_file,
                    f"LightNVR {__version__}",
                    engine.place.clock.now_us,
                ),
                zones=zones,
                detected=DetectionResults(database),
                events=happened,
                live=live,
                webrtc=webrtc,
                pictures=Pictures(darkroom, engine.place.clock.wall_us),
                hls=HlsOutputs(settings.live.hls_segment_s, engine.place.clock.wall_us, time.time),
                storage_roots=StorageRoots(engine.storages, engine.storages.error, engine.storages.trouble),
                storage_space=partial(_space, engine),
                probe=_look,
                uptime=lambda: time.monotonic() - began,
                now=time.time,
                zone=system_zone,
                problems=lambda: (*engine.problems(), *keeper.problems(), *backups.problems(), *telling.problems()),
                viewer_limits=viewer_limits or ViewerLimits(Seats(settings.live.max_viewers)),
                system=SystemServices(
                    in_force,
                    logs,
                    ending or Ending(),
                    StoredDays(database).totals,
                    engine.open_recordings.written,
                    engine.timings,
                    history.of,
                ),
                options=api_options(settings),
                telling=telling,
                webhooks=telling.webhooks,
            )
            parts = Steered(
                logs,
                catalog,
                entrance,
                keeper,
                engine.place,
                care.thumbnails,
                webrtc,
                services.options,
                telling.mqtt,
                telling.webhooks,
            )
            parts.follow(in_force)
            api = create_api(services)
            async with (
                tls_of(settings) as tls,
                serve_rtsp(settings, live, entrance.authentication) as rtsp_port,
                serve_relay(settings, api, tls) as relay_port,
                serve_http(settings.web.bind_ip, settings.web.port, api, tls=tls) as (port, task),
            ):
                leave_out_of_collections()
                try:
                    yield RunningServer(
                        port, rtsp_port, relay_port, task, catalog, fleet, live, happened.log, reactions, settings
                    )
                finally:
                    # While their connections are still served, so that each viewer is told.
                    live.audience.end_all("LightNVR is being stopped.")
    finally:
        await database.close()


@asynccontextmanager
async def _history(fleet: Fleet) -> AsyncIterator[StreamHistory]:
    history = StreamHistory(fleet.statuses)
    task = asyncio.create_task(history.run(), name="history")
    try:
        yield history
    finally:
        task.cancel()


@asynccontextmanager
async def _recording(
    settings: Settings, database: Database, catalog: StreamCatalog
) -> AsyncIterator[tuple[RecordingEngine, Fleet, ManualRecordings]]:
    storage = settings.storage
    options = RecordingOptions(
        storages=storage_plan(storage),
        directory_format=DirectoryFormat(storage.mp4_directory_format),
        fragment_duration_s=storage.fragment_duration_ms / 1000,
        sync_interval_s=storage.sync_interval_s,
    )
    engine = RecordingEngine(database, OsDisk(), options)
    streams = await catalog.every()
    await engine.start({stream.folder: stream.name for stream in streams})

    async def planned(stream: Stream) -> StreamPlan:
        by_hand = stream.id in await manual.active()
        plan = plan_for(stream, settings.streams, manual=by_hand)
        if by_hand and not plan.connect:
            # Footage that somebody asked for must not go on by surprise when privacy mode ends.
            await manual.forget(stream.id)
        return plan

    async def load(stream_id: int) -> StreamPlan | None:
        stream = await catalog.by_id(stream_id)
        return None if stream is None else await planned(stream)

    clock = LocalClock(time.time, system_zone)
    fleet = Fleet(load, partial(HubRecorder, engine.place), clock)
    manual = ManualRecordings(database, clock, lambda stream_id: fleet.status(stream_id).recording_why is not None)
    try:
        await fleet.start([await planned(stream) for stream in streams])
        yield engine, fleet, manual
    finally:
        await fleet.stop(_STOP_STREAMS_S)
        await engine.stop()


def _rules_now(in_force: SettingsInForce, catalog: StreamCatalog) -> Callable[[], Awaitable[Rules]]:
    async def rules() -> Rules:
        return rules_for(await catalog.every(), in_force.current.storage)

    return rules


def _daily_use(in_force: SettingsInForce, database: Database, catalog: StreamCatalog) -> RecordedUse:
    return RecordedUse(StoredDays(database), _rules_now(in_force, catalog), lambda: int(time.time()) // 86_400)


@asynccontextmanager
async def _keeping(
    in_force: SettingsInForce, database: Database, catalog: StreamCatalog, engine: RecordingEngine
) -> AsyncIterator[Keeper]:
    settings = in_force.current
    keeper = Keeper(
        StoredArchive(
            database,
            engine.removal,
            engine.open_recordings.written_bytes,
            engine.storages.error,
            EventPruning(database, snapshots(engine), detection_pruning.oldest_us).prune,
        ),
        _rules_now(in_force, catalog),
        keeping(settings.storage),
        system_us=lambda: time.time_ns() // 1000,
        monotonic_s=time.monotonic,
    )
    days = settings.storage.retention_days
    log.info(
        "recordings are kept %s unless their stream says otherwise; %s",
        f"for {days} days" if days else "without limit of time",
        f"the oldest go when less than {settings.storage.min_free_pct:g} % of the disk is free"
        if settings.storage.auto_delete_oldest
        else "none are deleted when the disk is full",
    )
    task = asyncio.create_task(keeper.run(), name="keeper")
    try:
        yield keeper
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _first_account(settings: Settings, accounts: AccountStore, *, show_password: bool) -> None:
    first = await make_first_account(
        accounts,
        Passwords(),
        time.time,
        chosen_password=settings.web.password,
        initial_password_file=settings.initial_password_file,
    )
    if show_password and first is not None and first.password is not None:
        # Shown once, on purpose: it is the only way in.
        print(f"\n  Log in as {first.username} with the password {first.password}\n", flush=True)  # noqa: T201


async def _space(engine: RecordingEngine) -> StorageSpace:
    storage = engine.storages.default
    if error := engine.storages.error(storage.id):
        raise OSError(error)
    await asyncio.to_thread(storage.check)
    usage = await asyncio.to_thread(shutil.disk_usage, storage.root)
    return StorageSpace(usage.used, usage.free)


async def _look(address: SourceAddress, transport: Transport) -> ProbeResult:
    return await asyncio.to_thread(probe, address, transport, _PROBE_S)
