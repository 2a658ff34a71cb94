"""Counts compared with the truth: truth files, scores, and checks by a person.

Invariant: the truth is compared with counts, and never changes one.
"""
