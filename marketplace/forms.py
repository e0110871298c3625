"""The clients' forms: what a page sends, checked for form; sense is the actions'."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError

from accounts.models import Organization
from compute.models import Model
from marketplace import pricing
from marketplace.actions.terms import ANSWERS_MAX, COLORS
from marketplace.models import Dataset, Project
from rewards.money import NotAnAmount, parse, to_text

ROWS_MAX = 100


class AmountField(forms.CharField):
    """Pi as people write it, with a point or a comma; whole 1e-7 Pi inside."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            return parse(text.replace(",", ".").replace(" ", ""))
        except NotAnAmount as error:
            raise forms.ValidationError(
                _("Write an amount of Pi, with at most 7 decimals.")
            ) from error

    def prepare_value(self, value: Any) -> Any:
        return to_text(value) if isinstance(value, int) else value


class OrganizationForm(forms.Form):
    name = forms.CharField(label=_("Name of your team or company"), max_length=120)


class OwnedForm(forms.Form):
    """A form for one of the organizations in which the person may write."""

    def __init__(
        self, *args: Any, organizations: Sequence[Organization], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.organizations = {str(one.uuid): one for one in organizations}
        choices = [(str(one.uuid), one.name) for one in organizations]
        self.fields["organization"] = forms.ChoiceField(
            label=_("Organization"),
            choices=choices,
            initial=choices[0][0] if choices else None,
            widget=forms.HiddenInput() if len(choices) == 1 else forms.Select(),
        )

    @property
    def organization(self) -> Organization:
        return self.organizations[self.cleaned_data["organization"]]


class DatasetForm(OwnedForm):
    name = forms.CharField(label=_("Name"), max_length=120)


class DepositForm(OwnedForm):
    amount = AmountField(label=_("Amount in Pi"))


class WithdrawForm(OwnedForm):
    amount = AmountField(label=_("Amount in Pi"))


class KeyForm(OwnedForm):
    name = forms.CharField(
        label=_("What the key is for"),
        max_length=80,
        widget=forms.TextInput(attrs={"placeholder": _("our upload script")}),
    )


class FundForm(forms.Form):
    amount = AmountField(label=_("Amount in Pi"))
    number = forms.IntegerField(widget=forms.HiddenInput)


class ProjectForm(forms.Form):
    """A project's terms; labels and their classes come as rows beside the fields."""

    dataset = forms.ChoiceField(label=_("Dataset"))
    name = forms.CharField(label=_("Name"), max_length=120)
    task_type = forms.ChoiceField(
        label=_("What people do"), choices=Project.TaskType.choices
    )
    instructions = forms.CharField(
        label=_("Instructions"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Short sentences. Many people read them in their second language."),
    )
    model = forms.ChoiceField(
        label=_("Model"),
        required=False,
        help_text=_("Runs on volunteers' computers first and proposes labels."),
    )
    reward = AmountField(
        label=_("Reward for an accepted answer, in Pi"), initial="0.05"
    )
    inference_price = AmountField(
        label=_("Price of an accepted inference, in Pi"),
        initial="0.004",
        required=False,
    )
    max_answers = forms.IntegerField(
        label=_("Most answers per picture"),
        initial=3,
        min_value=pricing.AGREEING,
        max_value=ANSWERS_MAX,
        help_text=_("Two people who agree are enough; others are asked if not."),
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        datasets: Sequence[Dataset],
        models: Sequence[Model],
        **kwargs: Any,
    ) -> None:
        super().__init__(data, **kwargs)
        self.datasets = {str(one.uuid): one for one in datasets}
        self.models = {one.digest: one for one in models}
        self.rows = label_rows(data)
        self._field("dataset").choices = [
            (uuid, one.name) for uuid, one in self.datasets.items()
        ]
        # The model is offered; to go without one is a decision.
        self._field("model").initial = next(iter(self.models), "")
        self._field("model").choices = [
            *((digest, one.name) for digest, one in self.models.items()),
            ("", _("None: people start from the bare picture")),
        ]

    def _field(self, name: str) -> forms.ChoiceField:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        return field

    @property
    def dataset_chosen(self) -> Dataset:
        return self.datasets[self.cleaned_data["dataset"]]

    def terms(self) -> dict[str, Any]:
        """Return what ``create_project`` takes."""
        cleaned = self.cleaned_data
        named = [row for row in self.rows if row["name"]]
        return {
            "name": cleaned["name"],
            "task_type": cleaned["task_type"],
            "labels": [{"name": row["name"], "color": row["color"]} for row in named],
            "instructions": cleaned["instructions"],
            "model": self.models.get(cleaned["model"]),
            "class_map": {
                name: row["name"] for row in named for name in row["classes"]
            },
            "reward": cleaned["reward"],
            "inference_price": cleaned["inference_price"] or 0,
            "max_answers": cleaned["max_answers"],
        }

    def refuse(self, error: ValidationError) -> None:
        """Show what an action found wrong beside the fields it is about."""
        details = error.detail if isinstance(error.detail, dict) else {}
        for field, problems in details.items():
            known = field if field in self.fields else None
            self.add_error(known, [str(problem) for problem in problems])


def label_rows(data: QueryDict | None) -> list[dict[str, Any]]:
    """Return the rows of labels as they were sent, or two empty ones."""
    rows: list[dict[str, Any]] = []
    for index in range(ROWS_MAX if data else 0):
        assert data is not None
        if f"label-{index}-name" not in data:
            continue
        rows.append(
            {
                "index": index,
                "name": " ".join(str(data[f"label-{index}-name"]).split()),
                "color": data.get(f"label-{index}-color", ""),
                "classes": data.getlist(f"label-{index}-classes"),
            }
        )
    return rows or [
        {"index": index, "name": "", "color": COLORS[index], "classes": []}
        for index in range(2)
    ]


def first_error(form: forms.Form) -> str:
    return next((str(some[0]) for some in form.errors.values()), "")
