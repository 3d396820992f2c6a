"""Learn what real data looks like, then make more of it, or say what does not belong to it."""

__version__ = "0.1.0"
