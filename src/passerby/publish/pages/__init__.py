"""The public page: what passed here, with its noise, and what is promised, for everyone and in their language.

Invariant: released numbers, the site file and a picture that was approved; GET only; no script, no cookie, and no
request that leaves the host.
"""
