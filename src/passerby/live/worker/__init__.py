"""The process of one camera: it sees and counts, and sends clipped counts to the process that started it.

Invariant: it reaches no ledger, no noise, no store; it sends only the messages of `passerby.live.protocol`, and prints
nothing.
"""
