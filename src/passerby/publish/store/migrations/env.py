"""Run by Alembic: migrates the store on the connection, and within the transaction, that it is handed.

Invariant: no engine and no configuration file of its own.
"""

from alembic import context

# A version table of its own, so that store and ledger can share one database server.
context.configure(
    connection=context.config.attributes["connection"],
    version_table=context.config.attributes["version_table"],
    transactional_ddl=False,
)
context.run_migrations()
