"""Run by Alembic for each migration; works on the connection that `lightnvr.db.migrating` hands over."""

from alembic import context

from lightnvr.db.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
context.run_migrations()
