"""When detectors run, and on which part of the frame.

Invariant: configuration and the frames of a bounded time decide; nothing is read, written or remembered beyond it.
"""
