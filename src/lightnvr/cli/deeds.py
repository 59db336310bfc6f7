"""Keeps in the audit log what was done by the command line."""

import sys
import time
from pathlib import Path

from lightnvr.accounts.audit import AuditLog, Deed, Outcome, add_or_report
from lightnvr.db.engine import Database
from lightnvr.streams.secrets import SecretBox, UnusableKeyFile

_HERE = "command line"


async def keep_deed(
    database: Database, key_file: Path, action: str, target: str, detail: str = "", outcome: Outcome = Outcome.DONE
) -> None:
    """Add an entry. Whoever it is can write to the database anyway, so nothing is refused for want of one."""
    try:
        key = SecretBox.open(key_file).derived_key("audit log")
    except UnusableKeyFile as error:
        print(f"This is not in the audit log. {error}", file=sys.stderr)  # noqa: T201
        return
    await add_or_report(AuditLog(database, key, time.time), Deed("", None, action, target, outcome, _HERE, detail))
