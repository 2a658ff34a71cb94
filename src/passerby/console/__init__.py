"""The console: local pages for who holds the footage.

Law: loopback only, for who has the token; it is given slices, counts and clicks, and never a frame.
"""
