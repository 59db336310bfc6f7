"""An HTTP test camera: endless MPEG-TS, FLV, multipart MJPEG, and HLS, from a bare socket server."""

import asyncio
import base64
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal

from lightnvr.demo.clip import Clip
from tests.cameras.films import film
from tests.cameras.muxing import Moment, Programme, ProgrammeMuxer
from tests.cameras.streaming import StreamingCamera
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


class HttpCamera(StreamingCamera):
    """Answers GET requests for its one path, and for the segments of a playlist."""

    def __init__(
        self,
        programme: Programme,
        form: Form,
        *,
        edit: Edit | None,
        speed: float,
        credentials: tuple[str, str] | None,
        segment_seconds: int,
    ) -> None:
        super().__init__(programme, speed)
        self._form = form
        self._edit = edit
        self._credentials = credentials
        self._segment_seconds = segment_seconds
        self._began = time.monotonic()

    @property
    def url(self) -> str:
        if self._credentials is None:
            return self.url_as()
        return self.url_as(*self._credentials)

    def url_as(self, user: str | None = None, password: str = "") -> str:
        """Its URL with other credentials, or with none."""
        who = "" if user is None else f"{user}:{password}@"
        return f"http://{who}127.0.0.1:{self.port}/{_PATHS[self._form]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await self._answer(reader, writer):
            pass

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
            await self._show(writer, self._converter())
            return False
        await writer.drain()
        return True

    def _may_watch(self, head: str) -> bool:
        if self._credentials is None:
            return True
        expected = base64.b64encode(":".join(self._credentials).encode()).decode()
        return f"authorization: basic {expected}".lower() in head.lower() and expected in head

    def _converter(self) -> Callable[[Moment], bytes]:
        if self._form == "mjpeg":
            return lambda moment: _part(moment.sample.data)
        muxer = ProgrammeMuxer("mpegts" if self._form == "ts" else "flv")
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
        muxer = ProgrammeMuxer("mpegts")
        begin, end = number * self._segment_seconds, (number + 1) * self._segment_seconds
        data = b""
        for moment in self._programme.moments():
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
    *clips: Clip,
    repeat_from: int = 0,
    edit: Edit | None = None,
    speed: float = 1.0,
    flood: bool = False,
    credentials: tuple[str, str] | None = None,
    segment_seconds: int = 1,
    started: bool = True,
) -> AsyncIterator[HttpCamera]:
    """Runs an HTTP camera in the current event loop.

    Shows numbered H.264 frames (JPEG for `mjpeg`) unless clips are given, which follow each other without a break, then
    again from `repeat_from`. `edit` falsifies the timestamps of video in
    `ts` and `flv`. HLS cuts segments at `segment_seconds`, which must be a whole number of the clip's GOPs.
    """
    if not clips:
        clips = (await asyncio.to_thread(film, "mjpeg" if form == "mjpeg" else "h264"),)
    cam = HttpCamera(
        Programme(clips, repeat_from),
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
