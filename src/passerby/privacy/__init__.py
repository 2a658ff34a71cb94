"""The gate: exact contributions go in clipped, released numbers come out noised and paid for.

Invariant: nothing leaves but `Release`; nothing is noised before it is paid.
"""
