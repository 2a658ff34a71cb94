"""The process of one camera: it sees and counts, and says clipped numbers to the process that started it.

Invariant: it reaches no ledger, no noise, no store; it says what `passerby.live.protocol` has words for, and prints
nothing.
"""
