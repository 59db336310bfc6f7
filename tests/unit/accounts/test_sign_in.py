"""Refusals take as long, whatever was wrong, where the code has to come with the password."""

from pathlib import Path

import pytest
from pyotp import TOTP

from lightnvr.accounts.entrance import EntranceRules, open_entrance
from lightnvr.accounts.limiter import LimiterRules
from lightnvr.accounts.model import Role
from lightnvr.accounts.sessions import SessionRules
from lightnvr.accounts.sign_in import Attempt, SignedIn, SignIn
from lightnvr.accounts.store import AccountStore
from lightnvr.db.engine import database_url, open_database
from lightnvr.db.migrating import migrate
from lightnvr.streams.secrets import SecretBox
from lightnvr.wiring import FactorSeal

pytestmark = pytest.mark.anyio

_PASSWORD = "a long secret"


async def test_a_refusal_is_held_back_until_all_would_be_over(tmp_path: Path) -> None:
    url = database_url("", tmp_path / "lightnvr.db")
    await migrate(url)
    database = open_database(url)
    entrance = open_entrance(
        database,
        EntranceRules(True, SessionRules(3600, 3600), LimiterRules(False, 5, 300)),
        FactorSeal(SecretBox.open(tmp_path / "secret.key")),
        ticket_key=bytes(32),
        audit_key=bytes(32),
        initial_password_file=tmp_path / "none",
        now=lambda: 1_800_000_000.0,
        monotonic=lambda: 0.0,
    )
    try:
        await entrance.administration.add("guarded", _PASSWORD, Role.USER)
        await entrance.administration.add("plain", _PASSWORD, Role.USER)
        made = await entrance.second_factor.set_up(1)
        await entrance.second_factor.enable(1, TOTP(made.secret).at(1_800_000_000), kept_session="")
        moments = iter(range(1000))
        slept: list[float] = []

        async def sleep(seconds: float) -> None:
            slept.append(seconds)

        sign_in = SignIn(
            AccountStore(database),
            entrance.logins,
            entrance.second_factor,
            entrance.presence,
            entrance.authentication.standing,
            lambda: 1_800_000_000.0,
            code_with_password=True,
            # Each look at the clock is a tenth of a second after the one before.
            monotonic=lambda: next(moments) / 10,
            sleep=sleep,
        )
        for attempt in (
            Attempt("nobody", _PASSWORD, "192.0.2.1"),
            Attempt("guarded", "wrong", "192.0.2.1"),
            Attempt("guarded", _PASSWORD, "192.0.2.1"),
            Attempt("guarded", _PASSWORD, "192.0.2.1", code="000000"),
        ):
            assert await sign_in.begin(attempt) is None
        assert slept == pytest.approx([0.4] * 4)
        assert isinstance(await sign_in.begin(Attempt("plain", _PASSWORD, "192.0.2.1")), SignedIn)
        assert len(slept) == 4
    finally:
        await database.close()
