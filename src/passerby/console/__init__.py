"""The operator's console: pages to add cameras, approve backgrounds, draw lines, and see health and budgets.

Invariant: loopback by default, and only for signed-in users; it holds approved backgrounds and marks on a coarse grid,
and never a live frame or a count.
"""
