"""Drains a spool into a store: says when it begins, so that it can be killed in the middle.

usage: drain.py SPOOL STORE
"""

import sys
from pathlib import Path

from passerby.publish.store.releases import open_store
from passerby.publish.store.spool import Spool

store = open_store(sys.argv[2])
print("begins", flush=True)
Spool(Path(sys.argv[1])).drain(store)
