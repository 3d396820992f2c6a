"""New music: what is learnt from a corpus, and pieces composed, continued, harmonized, filled in and interpolated."""
