"""Run by Alembic: migrates the store on the connection and in the transaction of its caller.

Invariant: creates no engine and reads no configuration file.
"""

from alembic import context

# A version table of its own, so that store and ledger can share one database server.
context.configure(
    connection=context.config.attributes["connection"],
    version_table=context.config.attributes["version_table"],
    transactional_ddl=False,
)
context.run_migrations()
