"""Run migrations on the connection the program hands over, in its transaction."""

from alembic import context

connection = context.config.attributes["connection"]
# The caller's transaction spans everything, so a killed migration leaves nothing.
context.configure(connection=connection, transactional_ddl=True)
context.run_migrations()
