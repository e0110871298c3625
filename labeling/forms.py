"""The form of a reviewer's decision; what it decides is checked by the action."""

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from labeling.queries import ReviewSheet
from labeling.types import Content

OWN, NOTHING, LABEL = "own", "nothing", "label:"


class DecideForm(forms.Form):
    """Take an answer, the proposal, nothing, a label, or the reviewer's own boxes."""

    decision = forms.ChoiceField(
        choices=(),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what is right first.")},
    )
    own = forms.CharField(required=False, widget=forms.HiddenInput, max_length=200_000)

    def __init__(self, sheet: ReviewSheet, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.contents: dict[str, Content] = {
            source.key: source.content for source in sheet.sources
        }
        if sheet.task.campaign.task_type == "boxes":
            self.contents |= {NOTHING: {"boxes": []}, OWN: {}}
        else:
            names = [label["name"] for label in sheet.labels]
            self.contents |= {f"{LABEL}{name}": {"label": name} for name in names}
        field = self.fields["decision"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(key, key) for key in self.contents]

    def content(self) -> Any:
        """Return what was decided, as the action checks it."""
        decision = self.cleaned_data["decision"]
        if decision != OWN:
            return self.contents[decision]
        try:
            return json.loads(self.cleaned_data["own"])
        except ValueError:
            return None
