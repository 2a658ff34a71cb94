"""A synthetic street whose true crossings are known exactly, written as a video file.

    street       settings, lanes and camera
    traffic      actors and their paths
    motion       the position and box of an actor at a time
    truth        the true crossings of each line
    bodies       the shapes of people, bicycles and vehicles
    backdrop     the empty street
    draw         pictures
    video        an H.264 file and its truth file
    rtsp_camera  the street as an RTSP camera
    demo         `passerby demo`

Invariant: the truth is computed from positions, never from pixels; equal streets give equal pictures.
"""

from passerby.synth.draw import frames
from passerby.synth.street import DENSITIES, Actor, Kind, Rates, Street, Waypoint
from passerby.synth.traffic import actors, passing, standing, turning_back
from passerby.synth.truth import TrueBox, TrueCrossing, boxes_at, lines, truth
from passerby.synth.video import write, write_lossless, write_truth

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
    "write_lossless",
    "write_truth",
]
