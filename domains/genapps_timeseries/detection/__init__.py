"""The tasks `detect` and `fit`: what is normal, a promised rate, events with kinds and reasons."""
