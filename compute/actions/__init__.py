"""The only writer of compute: models, nodes, units, leases, results."""

from compute.actions.leases import (
    HELD_MAX,
    Granted,
    claim,
    expire_leases,
    release,
    release_unlisted,
    renew,
)
from compute.actions.models import register_model
from compute.actions.nodes import (
    CODE_LIFE,
    SEEN_STEP,
    enroll,
    greet,
    issue_code,
    revoke_node,
    touch_node,
)
from compute.actions.results import Taken, accept_results
from compute.actions.settlement import settle_disputes, settle_unit
from compute.actions.units import (
    cancel_open_units,
    open_job,
    open_units,
    set_job_status,
)

__all__ = [
    "CODE_LIFE",
    "HELD_MAX",
    "SEEN_STEP",
    "Granted",
    "Taken",
    "accept_results",
    "cancel_open_units",
    "claim",
    "enroll",
    "expire_leases",
    "greet",
    "issue_code",
    "open_job",
    "open_units",
    "register_model",
    "release",
    "release_unlisted",
    "renew",
    "revoke_node",
    "set_job_status",
    "settle_disputes",
    "settle_unit",
    "touch_node",
]
