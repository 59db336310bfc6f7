"""lightnvr user: who may log in."""

import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import anyio
import typer

from lightnvr.accounts.administration import Administration
from lightnvr.accounts.model import Role
from lightnvr.accounts.passwords import Passwords
from lightnvr.accounts.store import AccountStore
from lightnvr.cli.deeds import keep_deed
from lightnvr.cli.options import ConfigFile, DataDir, settings_from
from lightnvr.config import CommandLine, Settings
from lightnvr.db.engine import Database, database_url, open_database
from lightnvr.safekeeping import upgrade

commands = typer.Typer(help="Users: who may log in, and as what.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="User name.")]
FromInput = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the standard input instead of asking for it.")
]


class RoleName(StrEnum):
    """Roles as they are typed."""

    ADMIN = "admin"
    USER = "user"
    VIEWER = "viewer"
    API = "api"


@commands.command("list")
def list_users(config: ConfigFile = None, data_dir: DataDir = None) -> None:
    """Show all users."""

    async def show(administration: Administration) -> None:
        for user in await administration.users():
            seen = f"last login {_time(user.last_login)}" if user.last_login else "never logged in"
            key = f"API key {user.api_key_prefix}" if user.api_key_prefix else "no API key"
            state = "" if user.is_active else ", not active"
            typer.echo(f"{user.username:32}  {user.role.name.lower():6}  {seen}, {key}{state}")

    _with_accounts(config, data_dir, show, None)


@commands.command()
def add(
    name: Name,
    role: Annotated[RoleName, typer.Option(help="What the user may do.")] = RoleName.USER,
    email: Annotated[str, typer.Option(help="E-mail address, kept as a note.")] = "",
    password_stdin: FromInput = False,
    config: ConfigFile = None,
    data_dir: DataDir = None,
) -> None:
    """Add a user."""
    password = _password(from_input=password_stdin)
    _with_accounts(
        config,
        data_dir,
        lambda administration: administration.add(name, password, Role[role.name], email=email),
        ("add user", name),
    )
    typer.echo(f"{name} was added with the role {role}.")


@commands.command("password")
def change_password(
    name: Name, password_stdin: FromInput = False, config: ConfigFile = None, data_dir: DataDir = None
) -> None:
    """Change a password. The user is logged out everywhere."""
    password = _password(from_input=password_stdin)
    _with_accounts(
        config,
        data_dir,
        lambda administration: administration.set_password(name, password),
        ("change password", name),
    )
    typer.echo(f"The password of {name} was changed.")


@commands.command("api-key")
def renew_api_key(name: Name, config: ConfigFile = None, data_dir: DataDir = None) -> None:
    """Give a user a new API key and show it, this once. The key before it is no longer valid."""

    async def renew(administration: Administration) -> None:
        typer.echo(await administration.renew_api_key(name))

    _with_accounts(config, data_dir, renew, ("generate API key", name))
    print("Keep it now: it cannot be shown again.", file=sys.stderr)  # noqa: T201


@commands.command()
def delete(name: Name, config: ConfigFile = None, data_dir: DataDir = None) -> None:
    """Delete a user, who is logged out everywhere."""
    _with_accounts(config, data_dir, lambda administration: administration.remove(name), ("delete user", name))
    typer.echo(f"{name} was deleted.")


def _with_accounts(
    config: ConfigFile,
    data_dir: DataDir,
    action: Callable[[Administration], Awaitable[object]],
    deed: tuple[str, str] | None,
) -> None:
    """`deed`: what is done and to whom, for the audit log; nothing is, when it is None."""
    settings = settings_from(CommandLine(config, data_dir)).settings

    async def run() -> None:
        async with _accounts(settings) as database:
            store = AccountStore(database)
            await action(Administration(store, Passwords(), time.time, settings.initial_password_file))
            if deed is not None:
                await keep_deed(database, settings.secret_key_file, *deed)

    anyio.run(run)


@asynccontextmanager
async def _accounts(settings: Settings) -> AsyncIterator[Database]:
    if not settings.database.url:
        settings.database.path.parent.mkdir(parents=True, exist_ok=True)
    url = database_url(settings.database.url, settings.database.path)
    await upgrade(settings, url)
    database = open_database(url)
    try:
        yield database
    finally:
        await database.close()


def _password(*, from_input: bool) -> str:
    if from_input:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
