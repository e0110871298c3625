"""Ledger, Platform and chain held against each other; what differs stops payouts."""
