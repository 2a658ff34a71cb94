"""The site file and what is written on a command line, read into frozen facts.

Invariant: configuration names things, never code; every mistake is named by file, line and key.
"""
