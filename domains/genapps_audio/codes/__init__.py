"""A codec of waves that is learnt: a few codes a frame, each of which mends what those before it left out."""
