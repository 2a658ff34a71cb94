"""A site of simulated cameras that are killed and stalled by a script, and what is found of it afterwards.

Invariant: a site is run as its users run it, by its commands; nothing of it is looked at from within.
"""
