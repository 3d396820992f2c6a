"""How good made images are: alike, diverse, and not copied, each figure beside real images and a trivial baseline."""
