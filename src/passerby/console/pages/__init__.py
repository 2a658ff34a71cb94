"""The pages of the operator's console.

Invariant: a page shows and asks; what it may do and what is written is decided beneath it.
"""
