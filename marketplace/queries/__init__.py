"""Reads of the marketplace; look-ups also check whose rows they may return."""
