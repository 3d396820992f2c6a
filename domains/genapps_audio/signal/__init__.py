"""Spectra of many waves at once, on torch: librosa's within a stated tolerance, much faster on short clips."""
