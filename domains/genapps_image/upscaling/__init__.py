"""Images made larger: what their details look like is learnt from the user's own images."""
