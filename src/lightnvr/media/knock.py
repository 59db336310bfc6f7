"""Asking whether a camera answers at all, much more cheaply than by opening its stream."""

import asyncio

from lightnvr.media.address import SourceAddress


async def answers(address: SourceAddress, timeout_s: float) -> bool:
    """Whether something answers at the address: RTSP to an OPTIONS request (RFC 2326 section 10.1), else TCP.

    Opens no session and sends no credentials.
    """
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(address.host, address.effective_port)
            try:
                if address.scheme != "rtsp":
                    return True
                place = SourceAddress("rtsp", address.host, address.effective_port, "/").redacted()
                writer.write(f"OPTIONS {place} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
                return (await reader.readline()).startswith(b"RTSP/1.")
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError, asyncio.LimitOverrunError):
        return False
