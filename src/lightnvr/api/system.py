"""/api/system: the server itself, and the machine it runs on."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from fastapi import APIRouter, Response
from pydantic import BaseModel
from starlette.background import BackgroundTask

from lightnvr.api.access import ADMIN, PUBLIC, GuardedRoute
from lightnvr.api.errors import declared
from lightnvr.api.seen import Seen, Sight
from lightnvr.api.services import ApiServices, Services, StorageRoots
from lightnvr.api.system_models import (
    Asked,
    Block,
    Cpu,
    Disk,
    InterfaceAnswer,
    Network,
    RecordingNumbers,
    StorageCache,
    StreamNumbers,
    StreamUse,
    SystemInfo,
    SystemStatus,
    VersionAnswer,
    Versions,
)
from lightnvr.recording.service import StreamTotal
from lightnvr.streams.model import Stream
from lightnvr.system.machine import Amount, MachineState, disk_amount, machine_state
from lightnvr.system.network import NetworkInterface, network_interfaces
from lightnvr.system.versions import VersionItem, running_versions

router = APIRouter(prefix="/api/system", tags=["System"], route_class=GuardedRoute)


@router.get(
    "",
    response_model=SystemInfo,
    responses=declared(401, 403, 429),
    dependencies=[ADMIN],
    summary="Get system information",
)
@router.get(
    "/info",
    response_model=SystemInfo,
    responses=declared(401, 403, 429),
    dependencies=[ADMIN],
    summary="Get system information (long name)",
)
async def system_info(services: Services, seen: Sight) -> Response:
    """The server, its machine and what it keeps. Takes a tenth of a second, to measure the processors."""
    state, interfaces, versions = await asyncio.gather(
        asyncio.to_thread(machine_state),
        asyncio.to_thread(network_interfaces),
        asyncio.to_thread(running_versions, services.options.version),
    )
    disks = [await _disk(services.storage_roots, storage_id) for storage_id in services.storage_roots]
    system_disk = await asyncio.to_thread(disk_amount, Path("/"))
    answer = await _info(services, seen, state, disks, system_disk)
    answer.network = Network(interfaces=[_interface(each) for each in interfaces])
    answer.versions = Versions(items=[_version(each) for each in versions])
    return _json(answer)


@router.get("/status", response_model=SystemStatus, dependencies=[PUBLIC], summary="Get system status")
async def system_status(services: Services) -> Response:
    """Says that the server answers: to see a restart end. /api/health tells how it is."""
    uptime = round(services.uptime(), 1)
    return _json(SystemStatus(status="ok", message="System running normally", uptime=uptime))


@router.post(
    "/restart", response_model=Asked, responses=declared(401, 403, 429), dependencies=[ADMIN], summary="Restart system"
)
async def restart(services: Services) -> Response:
    """Answers, finishes every recording, and begins again: the program as it is installed then, in the same process.

    It answers again after some seconds. lightnvr.ini is read anew.
    """
    return _json(Asked(message="System is restarting"), BackgroundTask(_now, services.system.ending.begin_again))


@router.post(
    "/shutdown", response_model=Asked, responses=declared(401, 403, 429), dependencies=[ADMIN], summary="Shut down"
)
async def shut_down(services: Services) -> Response:
    """Answers, finishes every recording, and ends. What runs LightNVR may start it again; the machine stays on."""
    return _json(Asked(message="System is shutting down"), BackgroundTask(_now, services.system.ending.shut_down))


async def _info(
    services: ApiServices, seen: Seen, state: MachineState, disks: list[Disk], system_disk: Amount
) -> SystemInfo:
    settings = services.system.settings
    streams = await seen.streams.every()
    totals = {total.stream_name: total for total in await services.system.totals() if seen.sees(total.stream_name)}
    process = Amount(state.memory.total, state.rss_bytes)
    nothing = _block(Amount(state.memory.total, 0))
    return SystemInfo(
        version=services.options.version,
        cpu=Cpu(model=state.cpu_model, cores=state.cores, usage=state.cpu_pct),
        memory=_block(process),
        threads=state.threads,
        webThreadPoolSize=int(settings.value("web_thread_pool_size")),
        go2rtcMemory=nothing,
        detectorMemory=nothing,
        systemMemory=_block(state.memory),
        uptime=int(services.uptime()),
        disk=await _usual_disk(services),
        systemDisk=_block(system_disk),
        disks=disks,
        global_retention_days=settings.current.storage.retention_days,
        versions=Versions(items=[]),
        network=Network(interfaces=[]),
        streams=StreamNumbers(
            active=sum(stream.settings.enabled for stream in streams), total=settings.current.streams.max_streams
        ),
        recordings=RecordingNumbers(
            count=sum(total.recordings for total in totals.values()),
            size=sum(total.size_bytes for total in totals.values()),
        ),
        streamStorage=[_use(stream, totals.get(stream.name)) for stream in streams],
        streamStorageCache=StorageCache(lastUpdate=int(services.now()), ttlSeconds=0, isCached=False),
    )


async def _usual_disk(services: ApiServices) -> Block | None:
    try:
        space = await services.storage_space()
    except OSError:
        # Told of in `disks`.
        return None
    used, free = space.used_bytes, space.available_bytes
    return Block(total=used + free, used=used, free=free)


async def _disk(roots: StorageRoots, storage_id: int) -> Disk:
    amount, path, error = Amount(0, 0), roots[storage_id], roots.error(storage_id)
    if not error:
        try:
            amount = await asyncio.to_thread(disk_amount, path)
        except OSError as failure:
            error = str(failure.strerror or failure)
    return Disk(
        name=roots.name(storage_id),
        path=str(path),
        error=error,
        total=amount.total,
        used=amount.used,
        free=amount.free,
    )


def _use(stream: Stream, total: StreamTotal | None) -> StreamUse:
    return StreamUse(
        name=stream.name,
        size=0 if total is None else total.size_bytes,
        count=0 if total is None else total.recordings,
        retention_days=stream.settings.retention_days,
        detection_retention_days=stream.settings.detection_retention_days,
        max_storage_mb=stream.settings.max_storage_mb,
    )


def _block(amount: Amount) -> Block:
    return Block(total=amount.total, used=amount.used, free=amount.free)


def _interface(found: NetworkInterface) -> InterfaceAnswer:
    return InterfaceAnswer(name=found.name, address=found.address, mac=found.mac or "Unknown", up=found.up)


def _version(item: VersionItem) -> VersionAnswer:
    return VersionAnswer(
        name=item.name, category=item.category, version=item.version or "Unknown", details=item.details
    )


def _json(model: BaseModel, afterwards: BackgroundTask | None = None) -> Response:
    return Response(
        model.model_dump_json(exclude_none=True),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
        background=afterwards,
    )


async def _now(act: Callable[[], None]) -> None:
    # On the event loop: a background task that is no coroutine would be run in a thread.
    act()
