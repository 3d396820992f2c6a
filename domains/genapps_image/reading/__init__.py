"""Images out of whatever holds them: a folder, one file, or a set in one file; what is no image costs itself only."""
