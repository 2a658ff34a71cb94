"""Pixels live here and die here.

Invariant: nothing that holds a pixel leaves this package; boxes do.
"""
