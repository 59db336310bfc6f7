"""Tickets and what they stand on: forged, expired and revoked ones admit nobody."""

from base64 import urlsafe_b64encode
from pathlib import Path

import pytest
from sqlalchemy import event

from lightnvr.accounts.administration import Administration
from lightnvr.accounts.admission import Admission
from lightnvr.accounts.authentication import Credentials
from lightnvr.accounts.model import Role
from lightnvr.accounts.store import AccountStore
from lightnvr.accounts.tickets import Tickets
from lightnvr.db.engine import Database
from tests.integration.api.running import PASSWORD
from tests.integration.api.test_accounts_store import Accounts

pytestmark = pytest.mark.anyio

_SIGNATURE_BYTES = 16


@pytest.fixture
def accounts(database: Database, tmp_path: Path) -> Accounts:
    return Accounts(database, tmp_path)


async def _admissions(accounts: Accounts) -> tuple[Admission, Admission, Admission]:
    """One user, let in with a session, a password and an API key."""
    await accounts.administration.add("guest", PASSWORD, Role.VIEWER)
    key = await accounts.administration.renew_api_key("guest")
    token = await accounts.log_in("guest")
    basic = "Basic " + urlsafe_b64encode(f"guest:{PASSWORD}".encode()).decode()
    found = [
        await accounts.authentication.admission(credentials)
        for credentials in (Credentials(session=token), Credentials(authorization=basic), Credentials(api_key=key))
    ]
    session, password, by_key = found
    assert session is not None
    assert password is not None
    assert by_key is not None
    return session, password, by_key


async def test_a_ticket_admits_its_owner_to_one_stream_until_it_expires(accounts: Accounts) -> None:
    for owner in await _admissions(accounts):
        ticket, expires = accounts.authentication.tickets.issue(owner, 7, 60)
        admitted = await accounts.authentication.admission(Credentials(ticket=ticket))
        assert admitted is not None
        assert (admitted.user.username, admitted.stream_id, admitted.proof) == ("guest", 7, owner.proof)
        assert expires == int(accounts.clock()) + 60
        accounts.clock.seconds = expires
        assert await accounts.authentication.tickets.admission(ticket) is None


async def test_forged_tickets_admit_nobody(accounts: Accounts) -> None:
    owner, _, _ = await _admissions(accounts)
    tickets = accounts.authentication.tickets
    ticket, _ = tickets.issue(owner, 7, 60)
    foreign, _ = Tickets(b"another key", accounts.store, accounts.authentication.standing, accounts.clock).issue(
        owner, 7, 60
    )
    changed = [ticket[:at] + ("A" if ticket[at] != "A" else "B") + ticket[at + 1 :] for at in (0, 30, len(ticket) - 2)]
    for forged in (foreign, *changed, ticket[:-4], ticket + "AAAA", "", "é", "=", "A" * 2000, ticket[:20]):
        assert await tickets.admission(forged) is None, forged


@pytest.mark.parametrize("how", ["password", "deletion"])
async def test_all_admissions_end_with_the_password_or_the_account(accounts: Accounts, how: str) -> None:
    admissions = await _admissions(accounts)
    ticket, _ = accounts.authentication.tickets.issue(admissions[1], 7, 60)
    assert await accounts.authentication.standing.lapsed([one.proof for one in admissions]) == set()
    if how == "password":
        await accounts.administration.set_password("guest", PASSWORD + "!")
    else:
        await accounts.administration.remove("guest")
    proofs = {one.proof for one in admissions}
    assert await accounts.authentication.standing.lapsed(proofs) == proofs
    assert await accounts.authentication.tickets.admission(ticket) is None


async def test_a_new_key_ends_what_the_old_one_admitted_and_an_expired_session_its_own(accounts: Accounts) -> None:
    session, password, key = await _admissions(accounts)
    await accounts.administration.renew_api_key("guest")
    proofs = {session.proof, password.proof, key.proof}
    assert await accounts.authentication.standing.lapsed(proofs) == {key.proof}
    accounts.clock.seconds += 25 * 3600
    assert await accounts.authentication.standing.lapsed(proofs) == {key.proof, session.proof}


async def test_one_who_asks_often_is_looked_up_once_a_second(accounts: Accounts, database: Database) -> None:
    await _admissions(accounts)
    token = await _session(accounts)
    queries: list[str] = []
    event.listen(
        database.reading.sync_engine, "before_cursor_execute", lambda *arguments: queries.append(str(arguments[2]))
    )
    first = await accounts.authentication.admission(Credentials(session=token))
    once = len(queries)
    assert once
    assert await accounts.authentication.admission(Credentials(session=token)) == first
    assert len(queries) == once
    assert await accounts.authentication.admission(Credentials(session=token + "x")) is None
    accounts.clock.seconds += 1
    queries.clear()
    assert await accounts.authentication.admission(Credentials(session=token)) == first
    assert len(queries) == once


@pytest.mark.parametrize("how", ["log-out", "password", "deletion", "another key", "another process"])
async def test_what_ends_an_admission_ends_it_at_once_for_one_who_asks_often(
    accounts: Accounts, database: Database, how: str
) -> None:
    await accounts.administration.add("guest", PASSWORD, Role.VIEWER)
    key = await accounts.administration.renew_api_key("guest")
    token = await _session(accounts)
    brought = Credentials(api_key=key) if how == "another key" else Credentials(session=token)
    admitted = await accounts.authentication.admission(brought)
    assert admitted is not None
    match how:
        case "log-out":
            await accounts.sessions.end(token)
        case "password":
            await accounts.administration.set_password("guest", PASSWORD + "!")
        case "deletion":
            await accounts.administration.remove("guest")
        case "another key":
            await accounts.administration.renew_api_key("guest")
        case _:
            elsewhere = Administration(AccountStore(database), accounts.passwords, accounts.clock, accounts.file)
            await elsewhere.remove("guest")
            # What looks after those who watch tells the rest.
            assert await accounts.authentication.standing.lapsed([admitted.proof]) == {admitted.proof}
    assert await accounts.authentication.admission(brought) is None


async def _session(accounts: Accounts) -> str:
    return await accounts.log_in("guest")
