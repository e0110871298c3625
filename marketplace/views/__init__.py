"""The clients' pages, by noun."""
