"""The console: pages for who holds the footage (`verify`) and for who operates a site (`console`).

Invariant: loopback unless told otherwise, for who has the token or is signed in; it is given slices, counts, clicks,
approved backgrounds and marks on a grid, and never a frame.
"""
