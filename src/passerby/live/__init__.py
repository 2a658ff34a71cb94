"""Live sites: one process sees, another pays and publishes, and a protocol stands between them.

Invariant: what sees cannot pay or publish; what pays and publishes cannot see.
"""
