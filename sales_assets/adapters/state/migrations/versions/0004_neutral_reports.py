"""Which of the sent versions had a neutral banner: the first verdict after one is a reply."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Bring a database of revision 0003 to this one."""
    column = sa.Column("is_neutral", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("sent_contents", column)
