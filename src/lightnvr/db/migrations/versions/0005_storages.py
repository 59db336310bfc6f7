"""Each stream may name the storage that it is recorded to."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("streams", sa.Column("storage", sa.Text(), server_default="", nullable=False))
