"""What compute tells whoever stands above it: hints, which may be lost."""

from django.dispatch import Signal

# Sent after the commit with unit_ids=[…] when units became final, failed or cancelled.
unit_decided = Signal()
