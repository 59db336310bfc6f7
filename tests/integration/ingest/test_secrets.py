"""Passwords of cameras and of users are in no log and no answer, whatever goes wrong."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.cameras import camera, film, http_camera, in_thread, rtmp_camera
from tests.rig.several import AnyCamera
from tests.rig.waiting import until
from tests.server_process import ADMIN_PASSWORD, COMMAND, ServerProcess, free_port

RIGHT, WRONG = "Zx9right", "Zx9wrong"
FAILING = """
import logging
from pathlib import Path
from lightnvr.logs import configure_logging

configure_logging(3, Path("log.txt"))

def look_at(password: str) -> None:
    headers = {"authorization": password}
    raise OSError("the camera is gone")

try:
    look_at("".join(("Zx9", "right")))
except OSError:
    logging.getLogger("lightnvr").exception("reading failed")
"""


def test_no_password_of_a_camera_is_told(tmp_path: Path) -> None:
    with ExitStack() as stack:
        rtsp = stack.enter_context(in_thread(lambda: camera(credentials=("viewer", RIGHT)))).camera
        http = stack.enter_context(in_thread(lambda: http_camera("ts", credentials=("viewer", RIGHT)))).camera
        hls = stack.enter_context(in_thread(lambda: http_camera("hls", credentials=("viewer", RIGHT)))).camera
        rtmp = stack.enter_context(in_thread(lambda: rtmp_camera(credentials=("viewer", RIGHT)))).camera
        sound = stack.enter_context(in_thread(lambda: camera(film(None, "aac"), credentials=("viewer", RIGHT)))).camera
        seen: list[AnyCamera] = [rtsp, http, hls, rtmp]
        nowhere = f"127.0.0.1:{free_port()}/live"
        good = {f"good{number}": cam.url for number, cam in enumerate(seen)}
        bad = {f"wrong{number}": cam.url_as("viewer", WRONG) for number, cam in enumerate(seen)}
        bad |= {f"path{number}": cam.url.replace("/stream", "/elsewhere") for number, cam in enumerate(seen)}
        bad |= {
            scheme: f"{scheme}://viewer:{RIGHT}@{nowhere}?pwd={WRONG}" for scheme in ("rtsp", "rtmp", "http", "https")
        }
        bad |= {
            "sound": sound.url,
        }
        server = ServerProcess([COMMAND, "serve"], tmp_path, {"LIGHTNVR_LOG_LEVEL": "3"})
        with server, server.client() as client:
            for name, url in (good | bad).items():
                client.post("/api/streams", json={"name": name, "url": url}).raise_for_status()

            def streams() -> dict[str, dict[str, object]]:
                listed = client.get("/api/streams").raise_for_status().json()["streams"]
                return {stream["name"]: stream for stream in listed}

            until(lambda: all(streams()[name]["status"] == "connected" for name in good), "the good ones are connected")
            until(lambda: all(streams()[name]["last_error"] for name in bad), "the others say why not")
            for cam in seen:
                tested = client.post("/api/streams/test", json={"url": cam.url_as("viewer", WRONG)}).text
                assert WRONG not in tested
            # What an editor put into the path is shown to editors, and to nobody else.
            told = client.get("/api/health").text + "".join(str(stream["last_error"]) for stream in streams().values())
            refused = client.post("/api/streams", json={"name": "x", "url": f"ftp://viewer:{RIGHT}@127.0.0.1/"}).text
        for text in (told, refused, server.output):
            assert RIGHT not in text
            assert WRONG not in text
        assert ADMIN_PASSWORD not in server.output


def test_a_traceback_in_the_log_shows_no_values(tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", FAILING], cwd=tmp_path, capture_output=True, text=True, check=True)
    for text in (ran.stderr, (tmp_path / "log.txt").read_text()):
        assert "OSError: the camera is gone" in text
        assert RIGHT not in text
