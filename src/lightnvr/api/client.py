"""Where a request comes from, also when a reverse proxy stands in between."""

import ipaddress
from functools import lru_cache

from starlette.requests import HTTPConnection

_MAX_FORWARDED = 16


def client_address(request: HTTPConnection, trusted_proxies: str) -> str:
    """Return the IP address of the client.

    Headers are believed only when the peer is a trusted proxy; then it is the right-most address of X-Forwarded-For
    that is not one itself, for everything to the left of that can be made up by the client. Without such a header it is
    X-Real-IP. What cannot be read stands for the peer.
    """
    peer = request.client.host if request.client else ""
    networks = _networks(trusted_proxies)
    if not _is_trusted(peer, networks):
        return peer
    forwarded = [part.strip() for part in ",".join(request.headers.getlist("x-forwarded-for")).split(",")]
    if forwarded != [""]:
        for part in reversed(forwarded[-_MAX_FORWARDED:]):
            address = _without_port(part)
            if not _is_address(address):
                return peer
            if not _is_trusted(address, networks):
                return address
        return peer
    real = _without_port(request.headers.get("x-real-ip", "").strip())
    return real if _is_address(real) else peer


def proxy_user(request: HTTPConnection, trusted_proxies: str, header: str) -> str:
    """Return the name of the user that a trusted proxy tells in this header; empty when there is none, or several."""
    peer = request.client.host if request.client else ""
    if not header or not _is_trusted(peer, _networks(trusted_proxies)):
        return ""
    names = request.headers.getlist(header)
    return names[0].strip() if len(names) == 1 else ""


def is_https(request: HTTPConnection, trusted_proxies: str) -> bool:
    """Whether the browser talks TLS, to us or to a trusted proxy."""
    if request.url.scheme == "https":
        return True
    peer = request.client.host if request.client else ""
    forwarded = request.headers.get("x-forwarded-proto", "").split(",")[0].strip().lower()
    return forwarded == "https" and _is_trusted(peer, _networks(trusted_proxies))


@lru_cache(maxsize=8)
def _networks(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(part, strict=False) for part in text.replace(",", " ").split())


def _is_trusted(address: str, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    return bool(networks) and _is_address(address) and any(ipaddress.ip_address(address) in net for net in networks)


def _without_port(text: str) -> str:
    """Return the address of `203.0.113.7:4711` or `[2001:db8::7]:4711`, as some proxies write it (RFC 7239)."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
