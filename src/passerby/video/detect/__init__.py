"""From a picture to boxes: detectors, their weights on disk, and their agreement.

Invariant: a detector gets an image and returns boxes with a class each, and nothing else.
"""
