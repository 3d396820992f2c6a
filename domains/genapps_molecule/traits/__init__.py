"""What can be said of a molecule, in numbers and in words, and wishes about it."""
