"""Public facts that every room shares: places in the picture, time, classes, policies, releases.

Invariant: standard library only; nothing here depends on data or holds a count that was not released.
"""
