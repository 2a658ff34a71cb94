"""Draws, forks eight times, and draws in each child and at the end: prints all draws but the first.

usage: forked_noise.py [planted], which draws from a generator of the process's own memory instead
"""

import json
import os
import random
import sys

from passerby.privacy.noise import MICRO, add_noise

planted = random.Random() if sys.argv[1:] == ["planted"] else None


def draw() -> list[int]:
    if planted is not None:
        return [planted.randrange(-10_000, 10_000) for _ in range(64)]
    return list(add_noise([0] * 64, 1000, MICRO))


draw()
drawn = []
for _ in range(8):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, json.dumps(draw()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    drawn.append(os.read(reader, 65_536).decode())
print(json.dumps([*drawn, json.dumps(draw())]))
