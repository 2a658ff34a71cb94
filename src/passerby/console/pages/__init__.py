"""The pages of the console, one module each.

Invariant: pages show state and call functions of the console; they decide nothing themselves.
"""
