"""`score` and `filter`: the rows of a list, judged as they come."""
