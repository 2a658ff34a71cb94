"""The page on which a person checks a count against their own recording.

Invariant: served on this machine alone, to the owner of the recording.
"""
