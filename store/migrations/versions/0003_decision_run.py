"""A decision knows the process that received it: the same message counts in no later one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of decisions from before it is not known, and they answer as they did."""
    op.add_column("decision", sa.Column("run", sa.Text(), nullable=False, server_default=""))
