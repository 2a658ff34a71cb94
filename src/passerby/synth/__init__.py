"""A synthetic street with exactly known truth, written as a real video file.

    street   what it is made of: settings, lanes, camera
    traffic  who is on it and when; paths of one's own
    motion   where an actor is at a time, and the box it fills
    truth    what truly crossed which line
    bodies   what people, bicycles and vehicles look like
    backdrop the empty street
    draw     pictures
    video    an H.264 file, and its truth file

Invariant: the truth is computed from positions, never from pixels; equal streets give equal pictures.
"""

from passerby.synth.draw import frames
from passerby.synth.street import DENSITIES, Actor, Kind, Rates, Street, Waypoint
from passerby.synth.traffic import actors, passing, standing, turning_back
from passerby.synth.truth import TrueBox, TrueCrossing, boxes_at, lines, truth
from passerby.synth.video import write, write_apart, write_truth

__all__ = [
    "DENSITIES",
    "Actor",
    "Kind",
    "Rates",
    "Street",
    "TrueBox",
    "TrueCrossing",
    "Waypoint",
    "actors",
    "boxes_at",
    "frames",
    "lines",
    "passing",
    "standing",
    "truth",
    "turning_back",
    "write",
    "write_apart",
    "write_truth",
]
