"""What judges the points of one channel: one idea a file, all of one form (`base.Member`)."""
