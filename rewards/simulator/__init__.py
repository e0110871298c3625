"""A small world that speaks Pi's HTTP: the Platform, Horizon, and a wallet to play."""
