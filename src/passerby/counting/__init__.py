"""Boxes, tracks and exact counts.

Invariant: no pixels, no disk, no network, no clock.
"""
