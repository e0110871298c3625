"""What compute tells whoever stands above it: hints, which may be lost."""

from django.dispatch import Signal

# Sent after the commit with unit_ids=[…] when nodes are done with units: these became
# final, disputed, failed or cancelled.
unit_decided = Signal()
