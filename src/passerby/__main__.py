"""`python -m passerby`."""

from passerby.cli import main

main()
