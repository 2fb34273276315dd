"""Runs the migrations on the connection that `state.open_state` hands over."""

from alembic import context

from sales_assets.adapters.state.database import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
# The caller's transaction holds the lock and commits.
context.run_migrations()
