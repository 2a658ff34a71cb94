"""The process that runs a site: it starts workers, pays before anything is counted, adds noise, and publishes.

Invariant: it reaches no picture, no box and no exact count; clipped sums stay in memory until they are released.
"""
