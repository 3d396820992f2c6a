"""What makes molecules: the network that ships and others, how they are learnt, drawn from and kept."""
