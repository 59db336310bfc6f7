"""A small external detector that speaks HTTP for real: it finds bright red in a JPEG, or misbehaves as it is told."""

import io
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import av
import numpy as np

BRIGHT = 180


@dataclass
class Asked:
    """One request: its path, its query, the part that was sent, the size of its picture in pixels."""

    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    file_name: str
    file_type: str
    size: tuple[int, int]


@dataclass
class DetectorServer:
    """`misbehave` takes over the answer when it is set."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    misbehave: Callable[[BaseHTTPRequestHandler], None] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


def answer(handler: BaseHTTPRequestHandler, status: int, content: bytes) -> None:
    """Send an answer as JSON."""
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


@contextmanager
def detector_server(tls: ssl.SSLContext | None = None) -> Iterator[DetectorServer]:
    """Run one on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            with state.lock:
                state.at_once += 1
                state.most_at_once = max(state.most_at_once, state.at_once)
            try:
                self._answer()
            finally:
                with state.lock:
                    state.at_once -= 1

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            (part,) = BytesParser(policy=HTTP).parsebytes(head + body).iter_parts()
            jpeg = part.get_payload(decode=True)
            assert isinstance(jpeg, bytes)
            with av.open(io.BytesIO(jpeg), "r", format="jpeg_pipe") as image:
                pixels = next(image.decode(video=0)).to_ndarray(format="rgb24")
            address = urlsplit(self.path)
            asked = Asked(
                address.path,
                parse_qs(address.query),
                {name.lower(): value for name, value in self.headers.items()},
                part.get_filename() or "",
                part.get_content_type(),
                (pixels.shape[1], pixels.shape[0]),
            )
            with state.lock:
                state.asked.append(asked)
            if state.misbehave is not None:
                state.misbehave(self)
            else:
                answer(self, 200, json.dumps({"detections": _bright(pixels)}).encode())

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    state = DetectorServer(f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}/detect")
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _bright(pixels: np.ndarray) -> list[dict[str, object]]:
    rows, columns = np.nonzero((pixels[:, :, 0] > BRIGHT) & (pixels[:, :, 1] < BRIGHT))
    if not rows.size:
        return []
    height, width = pixels.shape[:2]
    box = {
        "x_min": float(columns.min() / width),
        "y_min": float(rows.min() / height),
        "x_max": float((columns.max() + 1) / width),
        "y_max": float((rows.max() + 1) / height),
    }
    return [{"label": "red", "confidence": 0.9, "bounding_box": box}]
