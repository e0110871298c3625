"""Pi going out: asked for, approved by two, and paid exactly once."""
