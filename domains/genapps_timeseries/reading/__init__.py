"""Files of series as they come: columns, stamps, numbers of many ways of writing, a grid of equal steps."""
