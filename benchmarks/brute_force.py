"""10,000 wrong log-ins from 100 addresses, while cameras are recorded: what they cost, and whether the owner gets in.

The addresses are told by `X-Forwarded-For` from a proxy that the server trusts, so each counts as another client.
"""

import argparse
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx

from benchmarks.cameras import camera_process
from benchmarks.continuity import Continuity, continuity
from benchmarks.mp4_file import recordings_in
from benchmarks.options import parser, positive, report, say, workplace
from benchmarks.processes import NeverHappened, cpu_s
from benchmarks.server import LightNvr, lightnvr_server
from benchmarks.table import Table, percentile, verdict

_CORES = 1.0
_OWNER_EVERY_S = 1.0
_OWNER = {"username": "owner", "password": "the password of the owner"}


@dataclass(slots=True)
class Attack:
    """What was answered to the attackers, by status; seconds that the owner's log-ins took, and how many failed."""

    answered: Counter[int] = field(default_factory=Counter)
    owner_s: list[float] = field(default_factory=list)
    owner_failed: int = 0
    took_s: float = 0.0
    cores: float = 0.0


def main() -> None:
    """Run and print."""
    options = parser("brute_force", __doc__)
    options.add_argument("--cameras", type=positive, default=16)
    options.add_argument("--attempts", type=positive, default=10_000)
    options.add_argument("--addresses", type=positive, default=100)
    options.add_argument("--at-once", type=positive, default=20, help="attempts at a time")
    arguments = options.parse_args()
    environment = {"LIGHTNVR_WEB_TRUSTED_PROXY_CIDRS": "127.0.0.1/32"}
    with (
        workplace(arguments) as folder,
        camera_process(arguments.cache, arguments.cameras) as cameras,
        lightnvr_server(folder / "lightnvr", environment) as server,
    ):
        server.start()
        server.add(cameras)
        server.wait_until_recording(cameras)
        server.client.post("/api/auth/users", json=_OWNER | {"role": 1}).raise_for_status()
        before_s = cpu_s(server.pid)
        time.sleep(10)
        idle = (cpu_s(server.pid) - before_s) / 10
        attack = _attack(server, arguments)
        streams = server.client.get("/api/streams").raise_for_status().json()["streams"]
        dropped = sum(stream["dropped_packets"] for stream in streams)
        server.stop()
        say("decoding what was recorded meanwhile")
        names = [camera.name for camera in cameras]
        found = sum((continuity(sorted(recordings_in(server.footage / name))) for name in names), Continuity())
    report(_table(arguments, attack, idle, found, dropped), arguments)


def _attack(server: LightNvr, arguments: argparse.Namespace) -> Attack:
    attack, lock = Attack(), threading.Lock()
    numbers = iter(range(arguments.attempts))

    def guess() -> None:
        with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client:
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                address = f"198.51.{number % arguments.addresses // 250}.{number % arguments.addresses % 250 + 1}"
                # Half of them try the owner's account, half the names that everybody tries.
                name = "owner" if number % 2 else f"user{number % 50}"
                answer = client.post(
                    "/api/auth/login",
                    json={"username": name, "password": f"guess {number}"},
                    headers={"X-Forwarded-For": address},
                )
                with lock:
                    attack.answered[answer.status_code] += 1

    attackers = [threading.Thread(target=guess) for _ in range(arguments.at_once)]
    began, began_cpu = time.monotonic(), cpu_s(server.pid)
    for attacker in attackers:
        attacker.start()
    with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as owner:
        while any(attacker.is_alive() for attacker in attackers):
            at = time.monotonic()
            answer = owner.post("/api/auth/login", json=_OWNER, headers={"X-Forwarded-For": "203.0.113.7"})
            attack.owner_s.append(time.monotonic() - at)
            attack.owner_failed += answer.status_code != HTTPStatus.OK
            time.sleep(max(0.0, at + _OWNER_EVERY_S - time.monotonic()))
    for attacker in attackers:
        attacker.join()
    attack.took_s = time.monotonic() - began
    attack.cores = (cpu_s(server.pid) - began_cpu) / attack.took_s
    if attack.answered.total() != arguments.attempts:
        raise NeverHappened(f"Only {attack.answered.total()} of {arguments.attempts} attempts were answered.")
    return attack


def _table(arguments: argparse.Namespace, attack: Attack, idle: float, found: Continuity, dropped: int) -> Table:
    missing = found.lost + found.doubled + found.unreadable
    let_in = attack.answered[HTTPStatus.OK]
    rows = (
        ("cores before", f"{idle:.2f}", "", ""),
        ("cores meanwhile", f"{attack.cores:.2f}", f"≤ {_CORES:g}", verdict(attack.cores, _CORES)),
        ("attempts a second", f"{arguments.attempts / attack.took_s:.0f}", "", ""),
        *((f"answered {status}", str(count), "", "") for status, count in sorted(attack.answered.items())),
        ("attackers let in", str(let_in), "0", verdict(let_in, 0)),
        (
            "log-ins of the owner that failed",
            f"{attack.owner_failed} of {len(attack.owner_s)}",
            "0",
            verdict(attack.owner_failed, 0),
        ),
        (
            "log-in of the owner, p50 / p95, s",
            f"{percentile(attack.owner_s, 50):.2f} / {percentile(attack.owner_s, 95):.2f}",
            "",
            "",
        ),
        ("pictures lost, doubled or unreadable", str(missing), "0", verdict(missing, 0)),
        ("packets dropped", str(dropped), "0", verdict(dropped, 0)),
    )
    notes = (
        f"{arguments.attempts:,} wrong log-ins from {arguments.addresses} addresses, {arguments.at_once} at a time, "
        f"half of them for the owner's account, while {arguments.cameras} cameras of 2 Mbit/s are recorded. The owner "
        f"logs in from another address every second. {found.pictures} pictures were decoded. The attackers run on the "
        "same machine."
    )
    return Table("Guessing passwords", ("", "", "target", ""), rows, notes)


if __name__ == "__main__":
    main()
