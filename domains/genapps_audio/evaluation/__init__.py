"""How good made clips are: useful, alike, diverse, and not copied, each figure beside real clips and trivial ones."""
