"""Scores on their way out: files of notes, sound, and pictures."""
