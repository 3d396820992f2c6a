"""Measures that need no domain, on numeric arrays.

A table is a float64 array (N, D): numbers as they are, categories as codes 0..K-1, NaN where a value is missing; a
boolean array (D,) says which columns are categories.
"""
