"""The search for molecules of a high score, within a number of calls of the objective."""
