"""Counted beside true: truth files, scores and checks by a person.

Invariant: the truth is only compared with; it never changes a count.
"""
