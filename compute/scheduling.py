"""Says when a node asks again and how much it is given at once."""

POLL_SECONDS_MIN = 0.25
POLL_SECONDS_MAX = 3600.0
JITTER = 0.15


def next_poll_s(
    *, online: int, polls_per_second: float, given: int, chance: float
) -> float:
    """Return the seconds until the next poll; ``chance`` is uniform in 0 … 1.

    The spacing keeps all nodes together at ``polls_per_second``, however many they are.
    A node that was given work asks again as soon as it likes: work makes its own pace.
    """
    spacing = POLL_SECONDS_MIN
    if not given:
        spacing = min(max(online / polls_per_second, spacing), POLL_SECONDS_MAX)
    return spacing * (1.0 + JITTER * (2.0 * chance - 1.0))


def batch_size(
    *, asked: int, waiting: int, online: int, plenty: int, batch_max: int
) -> int:
    """Return how many units to give: what was asked, but no more than a fair share.

    With little work waiting each node gets few units, so that all help and the last
    unit is done early; where ``plenty`` wait, nodes get what they ask for.
    """
    share = max(1, -(-waiting // max(1, online)))
    if waiting >= plenty:
        share = asked
    return max(0, min(asked, share, batch_max))
