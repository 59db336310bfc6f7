"""The server itself tells a broker: by its settings, at once when they are changed, and by its last will."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.cameras import camera
from tests.rig.broker import Broker, broker, listening
from tests.rig.nvr import Row
from tests.server_process import ADMIN_PASSWORD, COMMAND, ServerProcess


@asynccontextmanager
async def serving(folder: Path, environment: dict[str, str] | None = None) -> AsyncIterator[ServerProcess]:
    """Run the server while the context is open."""
    server = ServerProcess([COMMAND, "serve"], folder, environment)
    await asyncio.to_thread(server.__enter__)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.__exit__, None, None, None)


def client_of(server: ServerProcess) -> httpx.AsyncClient:
    """A client that is logged in as admin."""
    return httpx.AsyncClient(base_url=server.url, auth=("admin", ADMIN_PASSWORD), timeout=30)


def environment(there: Broker) -> dict[str, str]:
    """What has the server tell a broker, and Home Assistant."""
    return {
        "LIGHTNVR_MQTT_ENABLED": "true",
        "LIGHTNVR_MQTT_BROKER_HOST": "127.0.0.1",
        "LIGHTNVR_MQTT_BROKER_PORT": str(there.port),
        "LIGHTNVR_MQTT_HA_DISCOVERY": "true",
        "LIGHTNVR_MQTT_HA_SNAPSHOT_INTERVAL": "1",
    }


async def test_settings_and_streams_are_told_at_once(tmp_path: Path) -> None:
    async with (
        broker(tmp_path) as there,
        listening(there) as listener,
        serving(tmp_path) as server,
        client_of(server) as client,
    ):
        added = {"name": "Front Door", "url": "rtsp://127.0.0.1:1/none", "enabled": False}
        (await client.post("/api/streams", json=added)).raise_for_status()
        members = {"mqtt_enabled": True, "mqtt_broker_host": "127.0.0.1", "mqtt_broker_port": there.port}
        answer = await client.post("/api/settings", json={**members, "mqtt_ha_discovery": True})
        assert answer.json().get("restart_required") is False, answer.text
        await listener.hears_payload("lightnvr/availability", b"online")
        assert not listener.of("homeassistant/camera/lightnvr/Front_Door/config")

        (await client.put("/api/streams/Front Door", json={"enabled": True})).raise_for_status()
        await listener.hears("homeassistant/camera/lightnvr/Front_Door/config")
        await listener.hears_payload("lightnvr/cameras/Front_Door/motion", b"OFF")
        assert "\nlightnvr_mqtt_connected 1\n" in (await client.get("/api/metrics")).text

        (await client.delete("/api/streams/Front Door")).raise_for_status()
        await listener.hears_payload("homeassistant/camera/lightnvr/Front_Door/config", b"")

        await client.post("/api/settings", json={"mqtt_topic_prefix": "house"})
        await listener.hears_payload("lightnvr/availability", b"offline")
        await listener.hears_payload("house/availability", b"online")

        await there.kill()
        health: Row = {}
        while not health.get("problems"):
            health = (await client.get("/api/health")).json()
        assert f"port {there.port}" in health["problems"][0]


async def test_the_last_will_is_published_when_the_server_is_killed(tmp_path: Path) -> None:
    async with broker(tmp_path) as there, listening(there) as listener:
        async with serving(tmp_path, environment(there)) as server:
            await listener.hears_payload("lightnvr/availability", b"online")
            await asyncio.to_thread(server.kill)
            await listener.hears_payload("lightnvr/availability", b"offline")
        assert server.status == -signal.SIGKILL


async def test_cameras_are_shown_but_not_while_they_are_private(tmp_path: Path) -> None:
    topic = "lightnvr/cameras/Front_Door/snapshot"
    async with (
        camera() as cam,
        broker(tmp_path) as there,
        listening(there) as listener,
        serving(tmp_path, environment(there)) as server,
        client_of(server) as client,
    ):
        for name in ("Front Door", "Yard"):
            (await client.post("/api/streams", json={"name": name, "url": cam.url})).raise_for_status()
        shown = await listener.hears(topic, 2)
        assert all(message.payload.startswith(b"\xff\xd8") and not message.retain for message in shown)

        (await client.put("/api/streams/Front Door", json={"set_privacy_mode": True})).raise_for_status()
        others = "lightnvr/cameras/Yard/snapshot"
        await listener.hears(others, len(listener.of(others)) + 2)
        before = len(listener.of(topic))
        await listener.hears(others, len(listener.of(others)) + 2)
        assert len(listener.of(topic)) == before
