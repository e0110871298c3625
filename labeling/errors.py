"""What labeling refuses, as DRF errors: a status, a code, a sentence."""

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException


class LabelingError(APIException):
    status_code = 400
    default_code = "labeling_error"
    default_detail = _("This cannot be done with this task.")


class OwnOrganization(LabelingError):
    status_code = 403
    default_code = "own_organization"
    default_detail = _("This work belongs to your own organization. Others label it.")


class NotYourAssignment(LabelingError):
    status_code = 403
    default_code = "not_your_assignment"
    default_detail = _("This task was given to another person.")


class WrongToken(LabelingError):
    status_code = 400
    default_code = "wrong_token"
    default_detail = _("This answer came without the right token. Load the page again.")


class AlreadyAnswered(LabelingError):
    status_code = 409
    default_code = "already_answered"
    default_detail = _("You have answered this task already. The first answer counts.")


class AlreadySkipped(LabelingError):
    status_code = 409
    default_code = "already_skipped"
    default_detail = _("You have skipped this task. It was given to another person.")


class LeaseExpired(LabelingError):
    status_code = 409
    default_code = "lease_expired"
    default_detail = _("The time for this task is over and other people have it now.")


class TaskDecided(LabelingError):
    status_code = 409
    default_code = "task_decided"
    default_detail = _("This task is decided. It needs no more answers.")


class NotWithReviewer(LabelingError):
    status_code = 409
    default_code = "not_with_reviewer"
    default_detail = _("This task does not wait for a reviewer.")


class OwnAnswer(LabelingError):
    status_code = 403
    default_code = "own_answer"
    default_detail = _("You answered this task yourself. Another reviewer must decide.")


class WrongTransition(LabelingError):
    status_code = 409
    default_code = "wrong_transition"
    default_detail = _("The work is not in a state that allows this now.")


class TasksStillOpen(LabelingError):
    status_code = 409
    default_code = "tasks_still_open"
    default_detail = _("Some tasks are still open.")
