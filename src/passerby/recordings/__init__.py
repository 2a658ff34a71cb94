"""Counting recordings: one, many, resumed or released privately.

Invariant: exact counts of a recording go to the owner of the footage and to nobody else.
"""
