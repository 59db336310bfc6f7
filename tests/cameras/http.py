"""An HTTP test camera: endless MPEG-TS, FLV, multipart MJPEG, and HLS, from a bare socket server."""

import asyncio
import base64
import contextlib
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal

from lightnvr.demo.clip import Clip
from tests.cameras.films import film
from tests.cameras.muxing import Moment, StreamMuxer, endless
from tests.cameras.timestamps import Edit, FlvEditor, TsEditor

Form = Literal["ts", "flv", "mjpeg", "hls"]

_PATHS: dict[Form, str] = {"ts": "stream.ts", "flv": "stream.flv", "mjpeg": "stream.mjpg", "hls": "stream.m3u8"}
_TYPES: dict[Form, str] = {
    "ts": "video/mp2t",
    "flv": "video/x-flv",
    "mjpeg": "multipart/x-mixed-replace;boundary=frame",
    "hls": "application/vnd.apple.mpegurl",
}
_HLS_WINDOW = 4


class HttpCamera:
    """A camera on a loopback port that stays the same from `start` to `start`. Connections are TCP connections."""

    def __init__(
        self,
        clip: Clip,
        form: Form,
        *,
        edit: Edit | None,
        speed: float,
        credentials: tuple[str, str] | None,
        segment_seconds: int,
    ) -> None:
        self.port = 0
        self.connections_total = 0
        self.frames_sent: list[int] = []
        self._clip = clip
        self._form = form
        self._edit = edit
        self._speed = speed
        self._credentials = credentials
        self._segment_seconds = segment_seconds
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._running = asyncio.Event()
        self._running.set()
        self._next_due = -math.inf
        self._began = time.monotonic()
        self._cut_next = False

    @property
    def url(self) -> str:
        if self._credentials is None:
            return self.url_as()
        return self.url_as(*self._credentials)

    def url_as(self, user: str | None = None, password: str = "") -> str:
        """Its URL with other credentials, or with none."""
        who = "" if user is None else f"{user}:{password}@"
        return f"http://{who}127.0.0.1:{self.port}/{_PATHS[self._form]}"

    @property
    def connections_open(self) -> int:
        return len(self._connections)

    async def start(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Cuts everything and refuses connections."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.drop_connections()
        while self._connections:
            await asyncio.wait(list(self._connections))

    def drop_connections(self) -> None:
        for task, writer in self._connections.items():
            writer.transport.abort()
            task.cancel()

    def pause(self) -> None:
        """Stalls without closing."""
        self._running.clear()

    def resume(self) -> None:
        self._running.set()

    def cut_mid_frame(self) -> None:
        """Ends the connection in the middle of the next video frame."""
        self._cut_next = True

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections_total += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections[task] = writer
        task.add_done_callback(self._connections.pop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            try:
                while await self._answer(reader, writer):
                    pass
            finally:
                writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1].lstrip("/")
        if not self._may_watch(head):
            _reply(writer, "401 Unauthorized", "text/plain", b"", 'WWW-Authenticate: Basic realm="camera"\r\n')
        elif self._form == "hls" and path.endswith(".ts"):
            _reply(writer, "200 OK", "video/mp2t", self._segment(int(path.removesuffix(".ts"))))
        elif path != _PATHS[self._form]:
            _reply(writer, "404 Not Found", "text/plain", b"")
        elif self._form == "hls":
            _reply(writer, "200 OK", _TYPES["hls"], self._playlist())
        else:
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {_TYPES[self._form]}\r\nConnection: close\r\n\r\n".encode())
            await self._stream(writer)
            return False
        await writer.drain()
        return True

    def _may_watch(self, head: str) -> bool:
        if self._credentials is None:
            return True
        expected = base64.b64encode(":".join(self._credentials).encode()).decode()
        return f"authorization: basic {expected}".lower() in head.lower() and expected in head

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        convert = self._converter()
        begin = self._next_due
        moments = (moment for moment in endless(self._clip) if moment.due >= begin)
        moment = next(m for m in moments if m.sample.keyframe and self._is_video(m))
        start = time.monotonic() - moment.due / self._speed
        while True:
            if not self._running.is_set():
                paused = time.monotonic()
                await self._running.wait()
                start += time.monotonic() - paused
            if not math.isinf(self._speed):
                await asyncio.sleep(max(0.0, start + moment.due / self._speed - time.monotonic()))
            if writer.is_closing():
                # A client that leaves without having read everything resets the connection, also while this slept.
                return
            data = convert(moment)
            is_video = self._is_video(moment)
            if self._cut_next and is_video and len(data) > 1:
                self._cut_next = False
                writer.write(data[: len(data) // 2])
                return
            writer.write(data)
            await writer.drain()
            self._next_due = moment.due + 1e-6
            if is_video and moment.sample.number is not None:
                self.frames_sent.append(moment.sample.number)
            moment = next(moments)

    def _is_video(self, moment: Moment) -> bool:
        return self._clip.tracks[moment.track].track.is_video

    def _converter(self) -> Callable[[Moment], bytes]:
        if self._form == "mjpeg":
            return lambda moment: _part(moment.sample.data)
        muxer = StreamMuxer(self._clip, "mpegts" if self._form == "ts" else "flv")
        if self._edit is None:
            return muxer.mux
        editor = TsEditor(self._edit) if self._form == "ts" else FlvEditor(self._edit)
        return lambda moment: editor.feed(muxer.mux(moment))

    def _playlist(self) -> bytes:
        length = self._segment_seconds
        # The newest whole segment; a camera that has run for a while already has a full window.
        newest = int((time.monotonic() - self._began) * self._speed / length) + _HLS_WINDOW
        first = newest - _HLS_WINDOW + 1
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{length}", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
        for number in range(first, newest + 1):
            lines += [f"#EXTINF:{length}.000,", f"{number}.ts"]
        return ("\n".join(lines) + "\n").encode()

    def _segment(self, number: int) -> bytes:
        muxer = StreamMuxer(self._clip, "mpegts")
        begin, end = number * self._segment_seconds, (number + 1) * self._segment_seconds
        data = b""
        for moment in endless(self._clip):
            if moment.due >= end:
                break
            if moment.due >= begin:
                data += muxer.mux(moment)
                if moment.sample.number is not None:
                    self.frames_sent.append(moment.sample.number)
        return data + muxer.finish()


def _part(jpeg: bytes) -> bytes:
    return b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(jpeg), jpeg)


def _reply(writer: asyncio.StreamWriter, status: str, kind: str, body: bytes, extra: str = "") -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    writer.write(head.encode() + body)


@asynccontextmanager
async def http_camera(
    form: Form = "ts",
    clip: Clip | None = None,
    *,
    edit: Edit | None = None,
    speed: float = 1.0,
    flood: bool = False,
    credentials: tuple[str, str] | None = None,
    segment_seconds: int = 1,
    started: bool = True,
) -> AsyncIterator[HttpCamera]:
    """Runs an HTTP camera in the current event loop.

    Shows numbered H.264 frames (JPEG for `mjpeg`) unless a clip is given. `edit` falsifies the timestamps of video in
    `ts` and `flv`. HLS cuts segments at `segment_seconds`, which must be a whole number of the clip's GOPs.
    """
    if clip is None:
        clip = await asyncio.to_thread(film, "mjpeg" if form == "mjpeg" else "h264")
    cam = HttpCamera(
        clip,
        form,
        edit=edit,
        speed=math.inf if flood else speed,
        credentials=credentials,
        segment_seconds=segment_seconds,
    )
    try:
        if started:
            await cam.start()
        yield cam
    finally:
        await cam.stop()
