"""The task `inject`: labelled anomalies of chosen kinds, put into a series."""
