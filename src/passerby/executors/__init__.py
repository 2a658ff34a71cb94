"""Executors: they call a function on each chunk of work, in processes or on a Ray cluster.

Invariant: an executor receives a function and its arguments, and does not know what they mean.
"""
