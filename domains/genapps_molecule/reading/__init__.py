"""Molecules from files and into files, a row at a time."""
