"""Labels for many images from a few that are known, with how sure that is, and which known ones are doubted."""
