"""The public pages: released numbers with their noise, and the privacy promise, in the reader's language.

Invariant: uses released numbers, the site file and an approved background picture only; answers GET and HEAD only;
has no script, no cookie, and no request to another host.
"""
