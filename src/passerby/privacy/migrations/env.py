"""Run by Alembic: migrates the ledger on the connection, and within the transaction, that it is handed.

Invariant: no engine and no configuration file of its own.
"""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=False)
context.run_migrations()
