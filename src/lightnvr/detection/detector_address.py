"""Addresses of external detectors: which there may be, and which of them are asked."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

_LONGEST = 511

Ip = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]
"""Returns the IP addresses of a host. Raises OSError."""


class InvalidAddress(ValueError):
    """This is no address of a detector, or one that must not be asked; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class DetectorAddress:
    """Where a detector listens. `target` is path and query, as they stand in the request."""

    secure: bool
    host: str
    port: int
    target: str

    @classmethod
    def parse(cls, text: str) -> "DetectorAddress":
        """Read an address. Raises InvalidAddress."""
        if not text or len(text) > _LONGEST or any(character <= " " or character > "~" for character in text):
            raise InvalidAddress("The address of a detector is empty or too long, or has spaces or unusual characters.")
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise InvalidAddress("The address of a detector cannot be read.") from None
        if parts.scheme not in {"http", "https"} or not host:
            raise InvalidAddress("The address of a detector must begin with http:// or https:// and a host.")
        if "@" in parts.netloc or "#" in text or text.count("?") > 1:
            raise InvalidAddress("The address of a detector has no user name, no # and one ? at most.")
        secure = parts.scheme == "https"
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(secure, host, port or (443 if secure else 80), target)

    @property
    def authority(self) -> str:
        """Host and port, as they stand in the header Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Reach:
    """Where detectors may be that a stream names itself: on this machine, in private networks, and in `networks`.

    What an administrator set for the whole server may be anywhere (`anywhere`). Nobody reaches link-local, multicast
    or reserved addresses: under 169.254.169.254 and the like clouds hand out the credentials of the machine.
    """

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    anywhere: bool = False

    @classmethod
    def of(cls, networks: str, *, anywhere: bool = False) -> "Reach":
        """Read networks separated by commas or spaces. Raises ValueError."""
        return cls(tuple(ip_network(part, strict=False) for part in networks.replace(",", " ").split()), anywhere)

    def allowed(self, host: str, addresses: Sequence[str]) -> str:
        """Return the first of a host's IP addresses that may be asked. Raises InvalidAddress when there is none."""
        for text in addresses:
            if self._allows(_plain(ip_address(text.partition("%")[0]))):
                return text
        raise InvalidAddress(
            f"No detector may be asked at {host}: it is neither this machine nor in a private network, nor in one that "
            "[api_detection] networks names."
        )

    def _allows(self, address: Ip) -> bool:
        if address.is_link_local or address.is_multicast or address.is_unspecified or address in _METADATA:
            return False
        if address.is_loopback or any(address in network for network in (*_PRIVATE, *self.networks)):
            return True
        return self.anywhere and not address.is_reserved


_PRIVATE = tuple(
    ip_network(network) for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
"""RFC 1918, RFC 6598 (which overlay networks use) and RFC 4193."""

_METADATA = frozenset({ip_address("fd00:ec2::254"), ip_address("100.100.100.200"), ip_address("192.0.0.192")})
"""Where other clouds do so."""


def system_resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system for the addresses of a host. Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _plain(address: Ip) -> Ip:
    """Return what an IPv4 address in the clothes of IPv6 is: 127.0.0.1 for ::ffff:127.0.0.1."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped
