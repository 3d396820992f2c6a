"""Clips out of files and folders: whatever the format, within limits; what is no clip costs itself only."""
