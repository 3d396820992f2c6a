"""Photographs painted in the style of other pictures, without weights of anyone else's."""
