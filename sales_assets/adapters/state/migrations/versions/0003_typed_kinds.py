"""Kinds are words of their own, alerts have a subject; settings by chat; which state this is."""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_DELIVERIES = sa.table(
    "deliveries",
    sa.column("id", sa.Integer),
    sa.column("kind", sa.String),
    sa.column("subject", sa.String),
    sa.column("state", sa.String),
    sa.column("notice", sa.JSON),
    sa.column("reason", sa.Text),
    sa.column("owner", sa.String),
)
# SQLite makes a changed table anew, and what it checks has to be said again.
_STATES = sa.CheckConstraint(
    "state in ('planned', 'sending', 'sent', 'failed', 'unknown')", name="ck_deliveries_state"
)
_SUBSCRIPTIONS = (
    sa.CheckConstraint("state in ('active', 'asleep', 'pending')", name="ck_subscriptions_state"),
    sa.CheckConstraint("doubt_policy in ('repeat', 'hold')", name="ck_subscriptions_doubt_policy"),
)
_MISSED = "not sent while it was news:"


def upgrade() -> None:
    """Bring a database of revision 0002 to this one.

    The further messages of a long report, and their edits, are no deliveries of their own any
    more: their rows go. A report that was missed has no sender from now on.
    """
    _add_columns()
    with op.batch_alter_table("deliveries", table_args=(_STATES,)) as table:
        table.drop_constraint("uq_deliveries_report_day_kind_chat_thread", type_="unique")
        table.create_unique_constraint(
            "uq_deliveries_report_day_kind_subject_chat_thread",
            ["report_day", "kind", "subject", "chat", "thread"],
        )
    _type_kinds()
    with op.batch_alter_table("deliveries", table_args=(_STATES,)) as table:
        table.alter_column("kind", type_=sa.String(length=10), existing_type=sa.String(length=64))
    identities = op.create_table(
        "state_identity",
        sa.Column("identity", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("identity", name="pk_state_identity"),
    )
    op.bulk_insert(identities, [{"identity": uuid.uuid4().hex}])


def _add_columns() -> None:
    op.add_column("bot_updates", sa.Column("fingerprint", sa.String(length=64), nullable=True))
    with op.batch_alter_table("subscriptions", table_args=_SUBSCRIPTIONS) as table:
        table.add_column(
            sa.Column("sound", sa.String(length=10), nullable=False, server_default="news")
        )
        table.add_column(
            sa.Column("shows_clients", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        table.create_check_constraint(
            "ck_subscriptions_sound", "sound in ('always', 'news', 'never')"
        )
    subject = sa.Column("subject", sa.String(length=64), nullable=False, server_default="")
    op.add_column("deliveries", subject)


def _type_kinds() -> None:
    connection = op.get_bind()
    rows = connection.execute(sa.select(_DELIVERIES)).mappings().all()
    for row in rows:
        kind, _, subject = row["kind"].partition(":")
        if kind == "continuation" or (kind == "edit" and subject):
            connection.execute(sa.delete(_DELIVERIES).where(_DELIVERIES.c.id == row["id"]))
            continue
        was_missed = row["state"] == "failed" and (row["reason"] or "").startswith(_MISSED)
        connection.execute(
            sa.update(_DELIVERIES)
            .where(_DELIVERIES.c.id == row["id"])
            .values(
                kind=kind,
                subject=subject,
                notice=_notice(row["notice"], subject),
                owner=None if was_missed else row["owner"],
            )
        )


def _notice(old: dict | None, subject: str) -> dict | None:
    """Return an alert as it is kept now: with the rows that it tells of.

    Questions about a doubt and refusals named their row and its claims in the subject.
    """
    if old is None:
        return None
    topic, *numbers = subject.split(":")
    is_about_row = topic in ("doubt", "refused") and len(numbers) == 2  # noqa: PLR2004 - id, claims
    about = [[int(numbers[0]), int(numbers[1])]] if is_about_row else []
    return {"html": old["text_html"], "buttons": old["buttons"], "about": about}
