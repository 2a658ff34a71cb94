"""What is safe to print on a poster: it reads releases and can import nothing that sees.

Law: no video, counting or privacy module, no image library.
"""
