"""Variants of clips, made so that their labels hold, and what they are worth to who learns from them."""
