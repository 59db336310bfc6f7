"""A WebRTC player of other people's making (aiortc), which decodes what it gets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame, VideoFrame

from lightnvr.demo.numbering import frame_number

SDP = {"Content-Type": "application/sdp"}


@dataclass(slots=True)
class Player:
    """One connection: the numbers on the pictures so far, how many frames of sound, and where its session is."""

    connection: RTCPeerConnection
    location: str
    etag: str
    answer: str
    numbers: list[int | None] = field(default_factory=list)
    sounds: int = 0
    readers: list["asyncio.Task[None]"] = field(default_factory=list)

    @property
    def has_ended(self) -> bool:
        """Whether the server said good-bye or the connection broke."""
        return bool(self.readers) and all(reader.done() for reader in self.readers)

    def take(self, track: MediaStreamTrack) -> None:
        """Read a track in a task of its own."""
        self.readers.append(asyncio.create_task(self._read(track)))

    async def _read(self, track: MediaStreamTrack) -> None:
        with suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if isinstance(frame, VideoFrame):
                    self.numbers.append(frame_number(frame.to_ndarray(format="gray").astype(np.uint8)))
                elif isinstance(frame, AudioFrame):
                    self.sounds += 1


async def offer_of(connection: RTCPeerConnection, *, audio: bool = True) -> str:
    """Return the SDP of an offer to receive, with all candidates."""
    connection.addTransceiver("video", direction="recvonly")
    if audio:
        connection.addTransceiver("audio", direction="recvonly")
    await connection.setLocalDescription(await connection.createOffer())
    sdp: str = connection.localDescription.sdp
    return sdp


@asynccontextmanager
async def playing(
    client: httpx.AsyncClient, name: str, *, audio: bool = True, keeps_candidates: bool = True, query: str = ""
) -> AsyncIterator[Player]:
    """Watch a stream while the context is open. Without `keeps_candidates` the offer names no addresses."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        sdp = await offer_of(connection, audio=audio)
        if not keeps_candidates:
            sdp = "\r\n".join(line for line in sdp.splitlines() if "candidate" not in line) + "\r\n"
        answer = await client.post(f"/api/webrtc?src={name}{query}", content=sdp, headers=SDP)
        assert answer.status_code == 201, answer.text
        assert answer.headers["content-type"].startswith("application/sdp")
        player = Player(connection, answer.headers["location"], answer.headers["etag"], answer.text)
        connection.on("track", player.take)
        await connection.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        yield player
    finally:
        await connection.close()
