"""The read-only API over releases.

Invariant: reads releases and health, and writes nothing.
"""
