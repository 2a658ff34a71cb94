"""Pictures without people: the background, the annotated picture, the time slice.

Invariant: nobody can be recognised in any picture that leaves this room.
"""
