"""Spoken words: a hidden Markov model a word, how sure its answers are, and what is none of the words."""
