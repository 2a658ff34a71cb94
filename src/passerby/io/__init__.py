"""Files, folders, URLs and tables, with nothing about counting.

Invariant: knows bytes and rows, and never what they mean.
"""
