"""Sends one message to a receiver by HTTP/1.1 (RFC 9112), and reads how it was taken."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from lightnvr.events.telling.webhooks.addresses import AddressForbidden, AddressRules, resolve

_LONGEST_HEAD = 16 * 1024


class NotDelivered(Exception):
    """A message was not taken; the text says why. `is_final` is whether it is no use to try again."""

    def __init__(self, reason: str, status: int | None = None, *, is_final: bool = False, after_s: int = 0) -> None:
        super().__init__(reason)
        self.status = status
        self.is_final = is_final
        self.after_s = after_s


@dataclass(frozen=True, slots=True)
class PostingRules:
    """Where messages may go, and how many seconds a receiver has to answer in all."""

    addresses: AddressRules = field(default_factory=AddressRules)
    timeout_s: float = 10.0
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context


def checked_url(text: str) -> str:
    """Return the address of a receiver. Raises ValueError that says what it must be."""
    try:
        parts = urlsplit(text)
        is_fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_fine, parts = False, urlsplit("")
    if not is_fine or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be an address that begins with http:// or https://")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError("must hold neither a user name, a password nor a fragment")
    return text


async def post(url: str, body: bytes, headers: Mapping[str, str], rules: PostingRules) -> int:
    """Send a message and return the status, 200 to 299. Only the head of the answer is read. Raises NotDelivered.

    Redirects are not followed: they could lead to where messages may not go.
    """
    try:
        async with asyncio.timeout(rules.timeout_s):
            status, later = await _exchange(url, body, headers, rules)
    except AddressForbidden as error:
        raise NotDelivered(str(error), is_final=True) from error
    except TimeoutError as error:
        raise NotDelivered(f"no answer within {rules.timeout_s:g} s") from error
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        raise NotDelivered(str(error) or type(error).__name__) from error
    if 200 <= status < 300:
        return status
    if 300 <= status < 400:
        raise NotDelivered(f"status {status}: redirects are not followed", status, is_final=True)
    is_final = 400 <= status < 500 and status not in {408, 425, 429}
    raise NotDelivered(f"status {status}", status, is_final=is_final, after_s=later)


async def _exchange(url: str, body: bytes, headers: Mapping[str, str], rules: PostingRules) -> tuple[int, int]:
    parts = urlsplit(url)
    host, is_tls = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    context = await asyncio.to_thread(rules.tls) if is_tls else None
    reader, writer = await _connect(await resolve(host, port, rules.addresses), port, host, context)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        head = {"Host": parts.netloc.rpartition("@")[2], "Content-Length": str(len(body)), "Connection": "close"}
        lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in (head | dict(headers)).items())]
        writer.write("\r\n".join(lines).encode("ascii", "strict") + b"\r\n\r\n" + body)
        await writer.drain()
        return _read_head(await reader.readuntil(b"\r\n\r\n"))
    finally:
        writer.close()


async def _connect(
    addresses: list[str], port: int, host: str, context: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    last: OSError = OSError("there is no address")
    for address in addresses:
        try:
            name = host if context else None
            return await asyncio.open_connection(address, port, ssl=context, server_hostname=name, limit=_LONGEST_HEAD)
        except OSError as error:
            last = error
    raise last


def _read_head(head: bytes) -> tuple[int, int]:
    """Return the status, and how many seconds the receiver wants to be left alone. Raises ValueError."""
    first, *rest = head.decode("latin-1").split("\r\n")
    version, _, status = first.partition(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError("the answer is not HTTP")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    return int(status[:3]), _pause_s(fields.get("retry-after", ""), fields.get("date", ""))


def _pause_s(later: str, sent: str) -> int:
    """Read Retry-After (RFC 9110, section 10.2.3): seconds, or a time, which counts from that of the receiver's clock.

    What cannot be read, as most receivers send nothing, is 0.
    """
    if later.isdecimal():
        return int(later)
    try:
        return max(0, int((parsedate_to_datetime(later) - parsedate_to_datetime(sent)).total_seconds()))
    except (ValueError, TypeError, OverflowError):
        return 0
