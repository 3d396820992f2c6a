"""`propose`: draw, drop, pick, and say what is known of each."""
