"""Puts the API together."""

from fastapi import FastAPI

from lightnvr.api import (
    audit,
    auth,
    backups,
    detection_models,
    detections,
    event_pictures,
    event_stream,
    events,
    export,
    health,
    hls,
    ice_servers,
    live_health,
    live_streams,
    metrics,
    mjpeg,
    motion,
    recording_batches,
    recording_care,
    recording_files,
    recording_sync,
    recording_tags,
    recording_thumbnails,
    recordings,
    relay,
    relay_hls,
    restore,
    sessions,
    settings,
    setup,
    snapshots,
    storage,
    storage_daily,
    stream_recording,
    stream_retention,
    streams,
    system,
    system_logs,
    tickets,
    timeline,
    totp,
    users,
    webhooks,
    webrtc,
    zones,
)
from lightnvr.api.counting import CountRequests
from lightnvr.api.cross_origin import CrossOriginPlayers
from lightnvr.api.errors import answer_errors
from lightnvr.api.guards import BodyLimit, SameOrigin, SecurityHeaders
from lightnvr.api.live_socket import add_mse_sockets
from lightnvr.api.openapi import check_roles, complete_openapi
from lightnvr.api.pages import pages_router
from lightnvr.api.permissions import check_table
from lightnvr.api.services import ApiServices
from lightnvr.api.system_logs import add_log_socket

_MAX_BODY = 1024 * 1024


def create_api(services: ApiServices) -> FastAPI:
    """Return the ASGI application. Raises RouteWithoutRole when a route does not say who may call it."""
    app = FastAPI(
        title="LightNVR",
        version=services.options.version,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # What a recorder sees stays here, and each request is spared the work.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.services = services
    for router in (
        auth.router,
        audit.router,
        users.router,
        totp.router,
        sessions.router,
        streams.router,
        stream_retention.router,
        stream_recording.router,
        export.router,
        export.keys,
        tickets.router,
        live_streams.router,
        relay.router,
        recording_care.router,
        recording_tags.router,
        recording_batches.router,
        recording_files.router,
        recording_thumbnails.router,
        recording_sync.router,
        recordings.router,
        storage.router,
        storage_daily.router,
        timeline.router,
        health.router,
        live_health.router,
        metrics.router,
        ice_servers.router,
        settings.router,
        system.router,
        system_logs.router,
        webrtc.router,
        hls.router,
        relay_hls.router,
        snapshots.router,
        mjpeg.router,
        motion.router,
        detection_models.router,
        backups.router,
        restore.router,
        setup.router,
        webhooks.router,
        zones.router,
        detections.router,
        event_pictures.router,
        event_stream.router,
        events.router,
        pages_router(),
    ):
        # Not include_router, which keeps a second form of each route, 4 MB in all.
        app.router.routes.extend(router.routes)
    add_mse_sockets(app)
    add_log_socket(app)
    answer_errors(app)
    app.add_middleware(BodyLimit, max_bytes=_MAX_BODY)
    app.add_middleware(SameOrigin)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(CrossOriginPlayers, origins=services.options.cors_origins)
    app.add_middleware(CountRequests, counts=services.system.requests)
    check_roles(app)
    check_table(app)
    complete_openapi(app)
    return app
