"""A running server, and what requests of the contract need to be there before they are made."""

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

import httpx

from lightnvr.db.engine import database_url, open_database
from tests.contract.contract import Request
from tests.rig.authenticator import Authenticator, enrol
from tests.rig.film import Recipe
from tests.rig.finished import keep
from tests.rig.made_recordings import Part, make_recordings
from tests.rig.waiting import until
from tests.server_process import ServerProcess

PASSWORD = "a long secret"
FILMED = "filmed gate"
WATCHED = "watched gate"
_HOUR_S = 3600

Values = dict[str, str | int]
"""What `$name` stands for in a request."""


class UnknownNeed(LookupError):
    """The table names something that nobody here knows how to make; teach `World`."""


class World:
    """Makes streams, recordings, users... of their own for each request, so that none disturbs another."""

    def __init__(self, server: ServerProcess, folder: Path, camera: str, film_s: int) -> None:
        """The film begins at `film_s`, in seconds since 1970; `camera` is the address of a camera that answers."""
        self._server = server
        self._data = folder / "data"
        self._camera = camera
        self._film_s = film_s
        self._numbers = itertools.count(1)
        self.client = self._with_key()
        self.stranger = httpx.Client(base_url=server.url, timeout=30)
        self._needs: Mapping[str, Callable[[Values], None]] = {
            "a stream": self._stream,
            "a stream that records motion": self._motion_stream,
            "a manual recording": self._manual,
            "a camera": self._has_camera,
            "a watched stream": self._watched,
            "a running stream": self._watched,
            "a recording": self._recording,
            "a protected recording": self._protected,
            "a film": self._film,
            "a user": self._user,
            "an authenticator": self._authenticator,
            "a new authenticator": self._new_authenticator,
            "a pending login": self._pending,
            "a session": self._session,
            "a trusted device": self._device,
            "a deletion": self._deletion,
            "a download": self._download,
            "a backup": self._backup,
            "a picture of an event": self._pictured,
        }

    def prepare(self, request: Request, *, of_address: bool = True) -> Values:
        """Make all that a request needs, also what its address names, and return what stands for what in it."""
        number = next(self._numbers)
        values: Values = {"new": f"new {number}", "number": number}
        for need in request.needs:
            self._meet(need, values)
        if request.session and "session" not in values:
            self._session(values)
        for parameter in request.parameters:
            if of_address and parameter not in request.path:
                self._parameter(parameter, request.address, values)
        return values

    def wait_for_the_end(self, *, starts_again: bool) -> None:
        """Return when the server has ended or, if it starts again, when it is there again."""
        until(lambda: not self._answers(), "the server ends")
        if starts_again:
            # What is starting is not to be stopped in the midst of it.
            until(self._answers, "the server is there again")

    def close(self) -> None:
        """End the clients' connections."""
        self.client.close()
        self.stranger.close()

    def _answers(self) -> bool:
        try:
            return self.stranger.get("/api/health").is_success
        except httpx.TransportError:
            return False

    def _meet(self, need: str, values: Values) -> None:
        if need not in self._needs:
            raise UnknownNeed(need)
        self._needs[need](values)

    def _parameter(self, name: str, address: str, values: Values) -> None:
        """Give a parameter of the path a value."""
        makers = {"name": "a stream", "stream_name": "a stream", "stream": "a stream"}
        of = {"name": "stream", "stream_name": "stream", "stream": "stream"}
        if name == "id":
            makers["id"], of["id"] = ("a user", "user") if "/users/" in address else ("a recording", "recording")
        makers |= {"job_id": "a deletion", "token": "a download", "filename": "a backup"}
        of |= {"job_id": "job_id", "token": "token", "filename": "filename"}
        value = of.get(name, name)
        if value not in values:
            self._meet(makers.get(name, name), values)
        values[name] = values[value]

    def _with_key(self) -> httpx.Client:
        with self._server.client() as admin:
            key = admin.post("/api/auth/users/1/api-key").raise_for_status().json()["api_key"]
        return httpx.Client(base_url=self._server.url, headers={"X-API-Key": key}, timeout=30)

    def _post(self, path: str, body: object = None) -> httpx.Response:
        headers = {"X-LightNVR-Dialect": "documented"}
        return self.client.post(path, json=body, headers=headers).raise_for_status()

    def _stream(self, values: Values, **settings: object) -> None:
        name = f"gate {values['number']}"
        # Port 1 refuses at once, and what is disabled does not even ask.
        body = {"name": name, "url": "rtsp://user:secret@127.0.0.1:1/x", "record": False, **settings}
        self._post("/api/streams", body)
        values["stream"] = name

    def _motion_stream(self, values: Values) -> None:
        self._stream(values, detection_based_recording=True)

    def _manual(self, values: Values) -> None:
        self._stream(values)
        self._post(f"/api/streams/{quote(str(values['stream']))}/recording", {"action": "start"})

    def _has_camera(self, values: Values) -> None:
        values["camera"] = self._camera

    def _watched(self, values: Values) -> None:
        values["watched"] = WATCHED
        path = f"/api/streams/{quote(WATCHED)}"
        if self.client.get(path).status_code == 404:
            self._post("/api/streams", {"name": WATCHED, "url": self._camera})
        headers = {"X-LightNVR-Dialect": "documented"}
        until(lambda: self.client.get(path, headers=headers).json()["recording"] == "recording", "it is recorded")

    def _pictured(self, values: Values) -> None:
        self._watched(values)
        trigger = {"stream": WATCHED, "action": "pulse", "duration_ms": 1, "label": "person"}
        self._post("/api/motion/trigger", trigger)

        def picture() -> str | None:
            (event, *_) = self.client.get("/api/events", params={"stream": WATCHED}).json()["events"] or [{}]
            found: str | None = event.get("picture")
            return found

        until(lambda: picture() is not None, "the event has a picture")
        values["stream"], values["file"] = str(picture()).split("/")[-2:]

    def _recording(self, values: Values) -> None:
        stream = f"gate {values['number']}"
        # Not long ago, so that it is not too old for the settings.
        start_us = int((time.time() - 2 * _HOUR_S) * 1e6)
        root = self._data / "recordings"

        async def store() -> int:
            database = open_database(database_url("", self._data / "lightnvr.db"))
            try:
                (key,) = await keep(database, root, 1, stream=stream, start_us=start_us)
            finally:
                await database.close()
            return key

        key = asyncio.run(store())
        found = self.client.get(f"/api/recordings/{key}").raise_for_status().json()
        values |= {"stream": stream, "recording": key, "path": found["file_path"]}

    def _protected(self, values: Values) -> None:
        self._recording(values)
        self._post("/api/recordings/batch-protect", {"ids": [values["recording"]], "protected": True})

    def _film(self, values: Values) -> None:
        listed = self.client.get("/api/recordings", params={"stream": FILMED}).raise_for_status().json()
        (film,) = listed["recordings"]
        values |= {
            "film": film["id"],
            "filmed": FILMED,
            "since": self._film_s - 60,
            "until": self._film_s + 60,
            "moment": self._film_s + 1,
        }

    def _user(self, values: Values) -> None:
        name = f"user {values['number']}"
        made = self._post("/api/auth/users", {"username": name, "password": PASSWORD, "role": 1}).json()
        values |= {"user": made["id"], "username": name, "password": PASSWORD}

    def _authenticator(self, values: Values) -> None:
        self._user(values)
        app, _ = enrol(self.client, int(values["user"]), time.time)
        # The code of now was used to enrol.
        values["code"] = app.code(1)

    def _new_authenticator(self, values: Values) -> None:
        self._user(values)
        secret = self._post(f"/api/auth/users/{values['user']}/totp/setup").json()["secret"]
        app = Authenticator(secret, time.time)
        values |= {"code": app.code(), "wrong_code": app.wrong()}

    def _pending(self, values: Values) -> None:
        self._authenticator(values)
        login = {"username": values["username"], "password": PASSWORD}
        values["totp_token"] = self._post("/api/auth/login", login).json()["totp_token"]

    def _session(self, values: Values) -> None:
        self._user(values)
        self._log_in(values, {})

    def _device(self, values: Values) -> None:
        self._authenticator(values)
        self._log_in(values, {"totp_code": values["code"], "remember_device": True})

    def _log_in(self, values: Values, more: Mapping[str, object]) -> None:
        login = {"username": values["username"], "password": PASSWORD, **more}
        browser = self.stranger
        browser.post("/api/auth/login", json=login).raise_for_status()
        values["session"] = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        values["session_id"] = browser.get("/api/auth/sessions").json()["sessions"][0]["id"]
        devices = browser.get("/api/auth/trusted-devices").json()["trusted_devices"]
        if devices:
            values["device_id"] = devices[0]["id"]
        browser.cookies.clear()

    def _deletion(self, values: Values) -> None:
        self._recording(values)
        values["job_id"] = self._post("/api/recordings/batch-delete", {"ids": [values["recording"]]}).json()["job_id"]

    def _download(self, values: Values) -> None:
        self._recording(values)
        values["token"] = self._post("/api/recordings/batch-download", {"ids": [values["recording"]]}).json()["token"]

    def _backup(self, values: Values) -> None:
        values["filename"] = self._post("/api/system/backup").json()["filename"]


def make_film(folder: Path) -> int:
    """Put a recording that can be played into the data folder of a server to be; return when it begins."""
    begins_s = int(time.time()) - _HOUR_S
    asyncio.run(make_recordings(folder / "data", FILMED, [Part(begins_s, Recipe(seconds=4))]))
    return begins_s
