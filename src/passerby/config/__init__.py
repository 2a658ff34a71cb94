"""The site file and the lines of a command, read into frozen facts.

Invariant: configuration names things, never code; every mistake is named by file, line and key.
"""
