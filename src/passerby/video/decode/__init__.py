"""From a file or a camera to frames.

Invariant: frames are made here and nowhere else.
"""
