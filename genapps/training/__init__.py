"""Fitting: settings and events that every family shares, one loop for the families that follow a gradient."""

from genapps.training.settings import Event, Recipe, TrainingConfig

__all__ = ["Event", "Recipe", "TrainingConfig"]
