"""New clips like those of a folder: six families on one codec, drawn and written."""
