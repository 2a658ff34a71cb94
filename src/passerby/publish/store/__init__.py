"""The database of released numbers, and reading from it.

Invariant: stores releases, API keys and the health of camera links, and nothing that was not released.
"""
