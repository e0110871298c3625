"""The only writer of the marketplace, by noun."""
