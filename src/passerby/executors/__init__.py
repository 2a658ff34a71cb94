"""Where chunks of work run: in this process, in several, or on a Ray cluster.

Invariant: an executor receives a function and its arguments, and never what they mean.
"""
