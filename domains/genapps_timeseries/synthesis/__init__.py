"""The task `synthesize`: new series like the given ones, judged by a part kept back."""
