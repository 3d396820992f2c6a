"""A set of images enlarged: by transforms that labels, boxes and masks follow, and by images that a model made."""
