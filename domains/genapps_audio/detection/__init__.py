"""Odd clips, and when and in which band they are odd, from normal ones alone."""
