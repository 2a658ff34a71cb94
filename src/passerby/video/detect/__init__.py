"""From an image to boxes: detectors, their weights on disk, and how the boxes of two detectors are merged.

Invariant: a detector gets an image and returns boxes, each with a label and a confidence, and nothing else.
"""
