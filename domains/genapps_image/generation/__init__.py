"""New images: learnt by any of the six families, drawn, judged, and filled in."""
