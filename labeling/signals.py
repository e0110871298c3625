"""The hint that labeling gives upwards; rows are the truth."""

from django.dispatch import Signal

# Sent after commit with task_ids=[…]: these tasks are settled, cancelled or escalated.
task_decided = Signal()
