"""Motion in front of the background, without a model.

Invariant: boxes come out and no pixel; the label of a moving object is a guess by its shape.
"""
