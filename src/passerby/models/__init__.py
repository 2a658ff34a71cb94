"""The weights of detectors: which are known, where they are stored, and how they are downloaded.

Invariant: loads no model and no picture.
"""
