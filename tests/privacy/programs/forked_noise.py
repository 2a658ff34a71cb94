"""Draws, forks eight times, and draws in each child and at the end: prints all draws but the first."""

import json
import os

from passerby.privacy.noise import MICRO, add_noise


def draw() -> list[int]:
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
