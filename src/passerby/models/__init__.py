"""Weights of detectors: which are known, where they lie, and how they are fetched.

Invariant: loads no model and no picture.
"""
