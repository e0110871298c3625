"""Turns what the pure task types refuse into a 400 that names the fields in words."""

from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError

from labeling.types import InvalidContent


def say(code: str, about: str) -> str:
    """Return one problem of ``labeling.types`` in words."""
    words = {
        "required": _("This is missing."),
        "unknown_field": _("This field is not known."),
        "not_an_object": _("This must be an object with named fields."),
        "not_a_list": _("This must be a list."),
        "not_a_number": _("This must be a number."),
        "not_positive": _("This must be more than zero."),
        "outside": _("This lies outside the picture."),
        "too_many": _("There are too many: the most is %(about)s."),
        "unknown_label": _("“%(about)s” is not a label of this project."),
        "unknown_type": _("“%(about)s” is not a type of task."),
        "label_count": _("There must be 1 to %(about)s labels."),
        "label_length": _("A label's name has 1 to %(about)s letters."),
        "label_twice": _("The label “%(about)s” is there twice."),
    }
    return words[code] % {"about": about}


def refusal_of(error: InvalidContent) -> ValidationError:
    """Return the 400 with ``fields`` that says what ``labeling.types`` found."""
    return ValidationError(
        {path: [say(why.code, why.about)] for path, why in error.problems.items()}
    )
