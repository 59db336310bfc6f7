"""Those who are told of events, and when they were: mosquitto_sub at a broker, and a client of server-sent events."""

import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.processes import NeverHappened, wait_until
from tests.rig.broker import MOSQUITTO
from tests.server_process import free_port


@dataclass(frozen=True, slots=True)
class Heard:
    """That something came: seconds of the monotonic clock, and what: a topic, or the kind and stream of a change."""

    at: float
    what: str


class Ear:
    """Collects what a thread hears."""

    def __init__(self) -> None:
        self._heard: list[Heard] = []
        self._came = threading.Condition()

    def hear(self, what: str) -> None:
        """Take what came just now."""
        with self._came:
            self._heard.append(Heard(time.monotonic(), what))
            self._came.notify_all()

    def first(self, what: str, since: float, *, patience_s: float = 30) -> float:
        """Wait for the first of its kind after a moment, and return when it came. Raises NeverHappened."""
        ends = time.monotonic() + patience_s
        with self._came:
            while True:
                for heard in self._heard:
                    if heard.at >= since and heard.what == what:
                        return heard.at
                if not self._came.wait(ends - time.monotonic()):
                    raise NeverHappened(f"Waited {patience_s:g} s in vain for {what}.")


@contextmanager
def broker(folder: Path) -> Iterator[int]:
    """Run mosquitto while the context is open, and give its port. Raises NeverHappened."""
    port, file = free_port(), folder / "mosquitto.conf"
    file.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nlog_dest none\nuser root\n")
    process = subprocess.Popen([MOSQUITTO, "-c", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def listens() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False

    try:
        wait_until(listens, "the broker listens")
        yield port
    finally:
        process.terminate()
        process.wait()


@contextmanager
def at_broker(port: int) -> Iterator[Ear]:
    """Hear every topic while the context is open. Raises NeverHappened."""
    ear = Ear()
    command = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-t", "#", "-F", "%t"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def listen() -> None:
        for line in process.stdout or ():
            ear.hear(line.strip())

    thread = threading.Thread(target=listen, name="mosquitto_sub")
    thread.start()

    def hears() -> bool:
        knock = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-t", "knock", "-m", "knock"]
        subprocess.run(knock, check=False, stderr=subprocess.DEVNULL)
        try:
            return ear.first("knock", 0, patience_s=0.2) > 0
        except NeverHappened:
            return False

    try:
        wait_until(hears, "mosquitto_sub hears something")
        yield ear
    finally:
        process.terminate()
        process.wait()
        thread.join()


@contextmanager
def at_events(client: httpx.Client) -> Iterator[Ear]:
    """Hear server-sent events, as "<kind> <stream>", while the context is open."""
    ear, is_over, follows = Ear(), threading.Event(), threading.Event()

    def listen() -> None:
        kind = ""
        try:
            with client.stream("GET", "/api/events/stream", timeout=60) as answer:
                for line in answer.iter_lines():
                    follows.set()
                    name, _, value = line.partition(": ")
                    if name == "event":
                        kind = value
                    elif name == "data":
                        ear.hear(f"{kind} {json.loads(value)['event']['stream']}")
                    if is_over.is_set():
                        return
        except httpx.TransportError:
            follows.set()

    thread = threading.Thread(target=listen, name="events", daemon=True)
    thread.start()
    if not follows.wait(30):
        raise NeverHappened("The stream of events did not begin.")
    try:
        yield ear
    finally:
        is_over.set()
