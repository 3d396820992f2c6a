"""Scores out of whatever holds them: MIDI, MusicXML, ABC, piano rolls; what is none costs itself only."""
