"""What the operator needs to set a camera up: whether it answers, its background, and marks of what is detected.

Invariant: no picture with a person in it leaves this room; marks lie on a coarse grid.
"""
