"""What the bot owes for an update is committed with the update's effects."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Bring a database of revision 0001 to this one."""
    op.add_column("bot_updates", sa.Column("replies", sa.JSON(), nullable=True))
