"""What SMILES are as texts: codes, what may come next, where a text stands."""
