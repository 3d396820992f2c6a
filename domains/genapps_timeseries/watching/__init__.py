"""The task `watch`: records one by one, causal scores, a state that survives a kill."""
