"""Files: written whole or not at all, read with their sizes checked before anything is decoded."""
