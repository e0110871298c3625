"""Pages about money, by noun."""
