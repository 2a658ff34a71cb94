"""Pixels live here and die here.

Law: nothing that holds a pixel leaves this package; boxes do.
"""
