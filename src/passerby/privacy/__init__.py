"""The private path from clipped contributions to released numbers: paid for, noised, kept in the ledger.

Invariant: nothing leaves but `Release`; nothing is noised before it is paid.
"""
