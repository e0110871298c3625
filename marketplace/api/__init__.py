"""The clients' API, by noun."""
