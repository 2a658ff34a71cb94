"""What is safe to print on a poster: it reads releases and can import nothing that sees.

Invariant: no video, counting or privacy module, no image library.
"""
