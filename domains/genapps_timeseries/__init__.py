"""Series: what does not belong to them, more of them, and how well that was found."""
