"""The table of permissions is what the server does: every row, with every kind of caller."""

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from lightnvr.accounts.limiter import LimiterRules
from lightnvr.accounts.model import Right, Role
from lightnvr.api.access import PUBLIC, GuardedRoute, Level, RouteWithoutRole
from lightnvr.api.permissions import OWN_ACCOUNT, PERMISSIONS, ROLES, About, Permission, check_table
from lightnvr.api.rights import RIGHTS
from tests.integration.api.running import PASSWORD, USERS, RunningApi, running_api
from tests.rig.authenticator import enrol
from tests.rig.routes import Asked, Row

ROWS = [Row(name) for name in PERMISSIONS]
OPEN = {Level.PUBLIC, Level.ANYBODY}


class Walk:
    """A server and everybody who may come."""

    def __init__(self, api: RunningApi) -> None:
        self.api = api
        self.client = api.client(None)
        self.users: dict[str, int] = {}
        with api.client() as admin:
            for name in ("left", "spare", "waiting"):
                admin.post(
                    "/api/auth/users", json={"username": name, "password": PASSWORD, "role": 0}
                ).raise_for_status()
            self.users = {user["username"]: user["id"] for user in admin.get("/api/auth/users").json()["users"]}
            revoked = admin.post(f"/api/auth/users/{self.users['left']}/api-key").json()["api_key"]
            admin.post(f"/api/auth/users/{self.users['left']}/api-key").raise_for_status()
        with api.client(None) as late:
            late.post("/api/auth/login", json={"username": "admin", "password": PASSWORD}).raise_for_status()
            expired = late.cookies["session"]
        api.clock.seconds += 25 * 3600
        with api.client() as admin, api.client(None) as waiting:
            enrol(admin, self.users["waiting"], api.clock)
            login = {"username": "waiting", "password": PASSWORD}
            pending = waiting.post("/api/auth/login", json=login).json()["totp_token"]
        wrong = base64.b64encode(b"admin:a wrong password").decode()
        self.strangers: dict[str, Mapping[str, str]] = {
            "no credentials": {},
            "expired session": {"Cookie": f"session={expired}"},
            "wrong password": {"Authorization": f"Basic {wrong}"},
            "revoked key": {"X-API-Key": revoked},
            "pending login": {"Cookie": f"session={pending}"},
            "pending login as a key": {"X-API-Key": pending},
            "revoked bearer": {"Authorization": f"Bearer {revoked}"},
        }


def status_of(client: httpx.Client, row: Row, headers: Mapping[str, str], asked: Asked) -> int:
    """Make a request and return the status of the answer; of a socket that opens it is 101."""
    address = row.address(asked)
    if row.method == "SOCKET":
        url = f"{str(client.base_url).rstrip('/')}{address}".replace("http", "ws")
        try:
            with connect(url, additional_headers=headers, proxy=None):
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code
    body: dict[str, str] | None = {} if row.method in {"POST", "PUT", "PATCH"} else None
    # Some answers have no end.
    with client.stream(row.method, address, headers=headers, json=body) as answer:
        status = answer.status_code
    client.cookies.clear()
    return status


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """One server for the whole walk. Wrong passwords need not wait on it."""
    with running_api(tmp_path_factory.mktemp("walk"), rules=LimiterRules(False, 5, 300)) as api:
        api.recordings.add("Front Door", b"0123456789")
        walk = Walk(api)
        with walk.client:
            yield walk


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_route_takes_whom_the_table_says_and_nobody_else(walk: Walk, row: Row) -> None:
    level = PERMISSIONS[row.name].level
    spare = Asked(id=walk.users["spare"])
    for kind, headers in walk.strangers.items():
        status = status_of(walk.client, row, headers, spare)
        assert (status == 401) is (level not in OPEN or row.name == "GET /api/auth/verify"), (kind, status)
    for user, role in USERS.items():
        status = status_of(walk.client, row, {"X-API-Key": walk.api.keys[user]}, spare)
        assert status != 401, (user, status)
        assert (status == 403) is (role not in ROLES[level]), (user, status)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if PERMISSIONS[row.name].level in OWN_ACCOUNT], ids=lambda row: row.name
)
def test_routes_for_the_own_account_take_its_owner(tmp_path: Path, row: Row) -> None:
    allowed = OWN_ACCOUNT[PERMISSIONS[row.name].level]
    with running_api(tmp_path) as api, api.client(None) as client:
        for number, (user, role) in enumerate(USERS.items(), start=1):
            if role is Role.ADMIN:
                continue
            status = status_of(client, row, {"X-API-Key": api.keys[user]}, Asked(id=number))
            assert (status == 403) is (role not in allowed), (user, status)


@pytest.mark.parametrize("row", [Row(name) for name in RIGHTS], ids=lambda row: row.name)
def test_a_right_that_was_taken_is_refused(walk: Walk, row: Row) -> None:
    others = ",".join(right for right in Right if right is not RIGHTS[row.name])
    with walk.api.client() as admin:
        admin.put(f"/api/auth/users/{walk.users['editor']}", json={"allowed_actions": others}).raise_for_status()
        headers = {"X-API-Key": walk.api.keys["editor"]}
        asked = Asked(id=walk.users["spare"])
        refused = status_of(walk.client, row, headers, asked)
        only = {"allowed_actions": str(RIGHTS[row.name])}
        admin.put(f"/api/auth/users/{walk.users['editor']}", json=only).raise_for_status()
        let_in = status_of(walk.client, row, headers, asked)
        admin.put(f"/api/auth/users/{walk.users['editor']}", json={"allowed_actions": None}).raise_for_status()
    assert refused == 403
    assert (let_in == 403) is (PERMISSIONS[row.name].level is Level.ADMIN)


def test_a_route_that_is_not_in_the_table_stops_the_start() -> None:
    router = APIRouter(route_class=GuardedRoute)
    router.get("/open", dependencies=[PUBLIC])(lambda: None)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(router)
    with pytest.raises(RouteWithoutRole, match="GET /open"):
        check_table(app, {})
    with pytest.raises(RouteWithoutRole, match="GET /open"):
        check_table(app, {"GET /open": Permission(Level.ADMIN, About.SERVER)})
    right = {"GET /open": Permission(Level.PUBLIC, About.SERVER)}
    check_table(app, right)
    with pytest.raises(RouteWithoutRole, match="GET /gone"):
        check_table(app, right | {"GET /gone": Permission(Level.PUBLIC, About.SERVER)})
