"""Forms of rewards: how much to take out, and what staff say."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from rewards.money import NotAnAmount, parse


class AmountField(forms.CharField):
    """Pi written by a person, with a comma or a point; cleaned to 1e-7 Pi."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return parse(str(text).strip().replace(",", "."))
        except NotAnAmount as error:
            raise forms.ValidationError(
                _("Write an amount of Pi, with at most 7 decimals.")
            ) from error


class PayoutForm(forms.Form):
    amount = AmountField(
        label=_("How much, in Pi"),
        max_length=30,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=300)


class BatchForm(forms.Form):
    batch = forms.CharField(max_length=40)


class BookForm(ReasonForm):
    txid = forms.RegexField(r"^[0-9a-fA-F]{64}$")
