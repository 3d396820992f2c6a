"""Molecules around what is given: a scaffold, two pieces, a lead, or what draws would hardly ever be."""
