"""What moves before a still background, without a model.

Invariant: boxes only; what moves has no class of its own.
"""
