"""Which addresses messages may be sent to."""

import asyncio
import ipaddress
import socket
from dataclasses import dataclass

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Services of clouds that hand out keys to whoever asks from within; others of them are link-local.
_METADATA: tuple[Network, ...] = (ipaddress.ip_network("100.100.100.200/32"), ipaddress.ip_network("fd00:ec2::254/128"))


class AddressForbidden(Exception):
    """Messages may not be sent there; the text says why."""


@dataclass(frozen=True, slots=True)
class AddressRules:
    """`denied` are refused in any case; when `allowed` is not empty, so is what is in none of these."""

    allowed: tuple[Network, ...] = ()
    denied: tuple[Network, ...] = ()

    def refusal(self, address: IpAddress) -> str:
        """Say why an address is forbidden; empty when it is not."""
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        address = mapped or address
        # ::1 is within what is reserved, but it is this machine as much as 127.0.0.1 is.
        is_reserved = address.is_reserved and not address.is_loopback
        if address.is_link_local or address.is_multicast or address.is_unspecified or is_reserved:
            return f"{address} is not an address of a receiver"
        if any(address in network for network in (*_METADATA, *self.denied)):
            return f"{address} is forbidden"
        if self.allowed and not any(address in network for network in self.allowed):
            return f"{address} is not among the networks that are allowed"
        return ""


def networks(text: str) -> tuple[Network, ...]:
    """Read networks that are separated by commas. Raises ValueError."""
    return tuple(ipaddress.ip_network(part, strict=False) for part in text.replace(",", " ").split())


async def resolve(host: str, port: int, rules: AddressRules) -> list[str]:
    """Return the addresses of a name, all of which are checked: it is them that must be connected to, not the name.

    Raises AddressForbidden when any is forbidden, OSError when there is none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if refusal := rules.refusal(ipaddress.ip_address(address.partition("%")[0])):
            raise AddressForbidden(f"{host}: {refusal}")
    return addresses
