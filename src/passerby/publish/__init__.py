"""Everything that the public may read: the store of releases, the API, the public pages and the file formats.

Invariant: imports no video, counting or privacy module, and no image library.
"""
