"""The network interfaces of the machine."""

import fcntl
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

_INTERFACES = Path("/sys/class/net")
_SIOCGIFADDR = 0x8915  # netdevice(7)
_LOOPBACK = "lo"


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    """One interface with its IPv4 address; `mac` is empty when it has none."""

    name: str
    address: str
    mac: str
    up: bool


def network_interfaces() -> tuple[NetworkInterface, ...]:
    """Return those that have an IPv4 address, without loopback, by name. Blocks a moment."""
    found = []
    names = sorted(name for _, name in socket.if_nameindex() if name != _LOOPBACK)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for name in names:
            address = _address(asking, name)
            if address:
                found.append(NetworkInterface(name, address, _text(name, "address"), _is_up(name)))
    return tuple(found)


def _address(asking: socket.socket, name: str) -> str:
    try:
        answer = fcntl.ioctl(asking.fileno(), _SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
    except OSError:  # it has none
        return ""
    return socket.inet_ntoa(answer[20:24])


def _is_up(name: str) -> bool:
    # Some drivers say "unknown" of what works.
    return _text(name, "operstate") in {"up", "unknown"}


def _text(name: str, attribute: str) -> str:
    try:
        return (_INTERFACES / name / attribute).read_text().strip()
    except OSError:
        return ""
