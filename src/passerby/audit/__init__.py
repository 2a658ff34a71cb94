"""Attacks on our own privacy promise, through the code that releases.

Invariant: an attack uses the code that releases; nothing of it is copied, and no check is switched off.
"""
