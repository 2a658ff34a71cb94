"""The database of released numbers, and reading from it.

Invariant: holds releases only.
"""
