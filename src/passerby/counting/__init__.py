"""Boxes, tracks and exact counts.

Law: no pixels, no disk, no network, no clock.
"""
