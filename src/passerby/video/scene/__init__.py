"""Pictures without people: the background, the annotated image, the time slice.

Invariant: nobody can be recognised in any picture that leaves this room.
"""
