"""A real broker, and somebody who listens there."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.rig.nvr import eventually
from tests.server_process import free_port

MOSQUITTO = "/usr/sbin/mosquitto"


@dataclass(slots=True)
class Broker:
    """Mosquitto on a port of loopback, which can be killed and started again."""

    folder: Path
    options: Sequence[str] = ("allow_anonymous true",)
    port: int = field(default_factory=free_port)
    _process: "asyncio.subprocess.Process | None" = None

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        lines = [f"listener {self.port} 127.0.0.1", "log_dest none", "user root", *self.options]
        file = self.folder / "mosquitto.conf"
        file.write_text("\n".join(lines) + "\n")
        self._process = await asyncio.create_subprocess_exec(
            MOSQUITTO, "-c", str(file), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(2000):
            assert self._process.returncode is None, f"mosquitto ended with {self._process.returncode}"
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return
            await asyncio.sleep(0.01)
        raise AssertionError("mosquitto does not listen")

    async def stop(self) -> None:
        """End it in order: it writes what it keeps."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def kill(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@dataclass(frozen=True, slots=True)
class Heard:
    """One message as it came."""

    topic: str
    payload: bytes
    qos: int
    retain: bool

    @property
    def json(self) -> dict[str, object]:
        """The payload, which is a JSON object."""
        found: dict[str, object] = json.loads(self.payload)
        return found


@dataclass(slots=True)
class Listener:
    """What mosquitto_sub has heard so far."""

    heard: list[Heard] = field(default_factory=list)

    def of(self, topic: str) -> list[Heard]:
        """Return what came on a topic."""
        return [message for message in self.heard if message.topic == topic]

    async def hears(self, topic: str, count: int = 1) -> list[Heard]:
        """Wait for so many messages on a topic."""
        await eventually(
            lambda: len(self.of(topic)) >= count,
            lambda: f"{count} messages on {topic}; heard {[(m.topic, m.payload[:80]) for m in self.heard]}",
        )
        return self.of(topic)

    async def hears_payload(self, topic: str, payload: bytes) -> None:
        """Wait until the last message on a topic is this one."""
        await eventually(
            lambda: [message.payload for message in self.of(topic)][-1:] == [payload],
            lambda: f"{payload!r} on {topic}; heard {[(m.topic, m.payload[:80]) for m in self.heard]}",
        )


@asynccontextmanager
async def broker(folder: Path, *options: str) -> AsyncIterator[Broker]:
    """Run a broker while the context is open."""
    running = Broker(folder, options or ("allow_anonymous true",))
    await running.start()
    try:
        yield running
    finally:
        await running.kill()


@asynccontextmanager
async def listening(to: Broker, *options: str, session: str = "") -> AsyncIterator[Listener]:
    """Listen with mosquitto_sub while the context is open; it is there when the context opens.

    With a `session` the broker keeps what comes while nobody listens.
    """
    listener = Listener()
    process = await asyncio.create_subprocess_exec(
        *("mosquitto_sub", "-h", "127.0.0.1", "-p", str(to.port), "-t", "#", "-q", "2"),
        *(("-c", "-i", session) if session else ()),
        *("-F", "%q %r %t %x", *options),
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )

    async def listen() -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            head, _, payload = line.decode().rstrip("\n").rpartition(" ")
            qos, retain, topic = head.split(" ", 2)
            listener.heard.append(Heard(topic, bytes.fromhex(payload), int(qos), retain == "1"))

    task = asyncio.create_task(listen())
    try:
        # A message that it hears says that it is there.
        await _knock(to, options)
        while not listener.of("knock"):
            await asyncio.sleep(0.02)
            await _knock(to, options)
        yield listener
    finally:
        process.terminate()
        await process.wait()
        await task


async def say(to: Broker, topic: str, payload: str, *options: str) -> None:
    """Publish a message with mosquitto_pub."""
    process = await asyncio.create_subprocess_exec(
        "mosquitto_pub", "-h", "127.0.0.1", "-p", str(to.port), "-t", topic, "-m", payload, *options
    )
    assert await process.wait() == 0


async def _knock(to: Broker, options: Sequence[str]) -> None:
    await say(to, "knock", "knock", *options)
