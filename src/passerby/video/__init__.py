"""Frames are decoded, used and dropped here.

Invariant: no pixel leaves this package, except in the pictures of `scene`, which show nobody; detections leave.
"""
