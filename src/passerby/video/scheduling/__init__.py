"""When and where detectors look, and what they need not look at again.

Invariant: saves work only; every optimization has a name and can be switched off.
"""
