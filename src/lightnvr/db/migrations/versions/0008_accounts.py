"""Accounts: restrictions to streams and addresses, locked passwords, the second factor."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for name in ("password_change_locked", "totp_enabled"):
        op.add_column("users", sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False))
    for name in ("allowed_tags", "allowed_login_cidrs", "allowed_actions"):
        op.add_column("users", sa.Column(name, sa.Text(), server_default="", nullable=False))
    for name in ("totp_sealed", "totp_pending_sealed"):
        op.add_column("users", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.add_column("users", sa.Column("totp_step", sa.BigInteger(), server_default="0", nullable=False))
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", _ROW_ID, nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_recovery_codes_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name="pk_recovery_codes"),
    )
    op.create_table(
        "trusted_devices",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("user_id", _ROW_ID, nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_trusted_devices_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_trusted_devices"),
        sa.UniqueConstraint("token_hash", name="uq_trusted_devices_token_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_trusted_devices_user_id", "trusted_devices", ["user_id"])
    op.create_table(
        "audit_log",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
        sa.UniqueConstraint("previous_hash", name="uq_audit_log_previous_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_log_actor_id", "audit_log", ["actor", "id"])
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_log_is_only_added_to_{event.lower()} BEFORE {event} ON audit_log "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END"
            )
    else:
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE RULE audit_log_is_only_added_to_{event.lower()} AS ON {event} TO audit_log DO INSTEAD NOTHING"
            )
