"""Released numbers as files.

Invariant: one batch of rows at a time, in forms that others define.
"""
