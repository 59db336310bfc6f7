"""Networks that an account may be used from."""

import ipaddress
from functools import lru_cache

MAX_NETWORKS_BYTES = 1023

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def normalised(text: str) -> str:
    """Return networks or single addresses, separated by commas or line ends, one a line as address/prefix.

    The bits after the prefix stay as they were typed. Raises ValueError.
    """
    lines = []
    for entry in text.replace("\n", ",").split(","):
        if entry.strip():
            interface = ipaddress.ip_interface(entry.strip())
            lines.append(f"{interface.ip}/{interface.network.prefixlen}")
    found = "\n".join(lines)
    if len(found) > MAX_NETWORKS_BYTES:
        raise ValueError(f"more than {MAX_NETWORKS_BYTES} bytes")
    return found


def holds(networks: str, address: str) -> bool:
    """Whether one of these networks, as `normalised` returns them, has the address. An unknown address is in none."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    # A client of IPv4 on a socket of IPv6 is ::ffff:a.b.c.d.
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return any(parsed in network or (mapped is not None and mapped in network) for network in _parsed(networks))


@lru_cache(maxsize=256)
def _parsed(networks: str) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_interface(line).network for line in networks.splitlines())
