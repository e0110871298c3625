"""How templates write amounts."""

from django import template
from django.utils import formats
from django.utils.html import format_html
from django.utils.safestring import SafeString

from rewards.money import to_decimal

register = template.Library()


@register.filter
def pi(units: int | None) -> SafeString:
    """Write 1e-7 Pi as Pi in the reader's number format, exactly: ``1.25 π``."""
    exact = to_decimal(units or 0).normalize()
    # normalize() turns 100 into 1E+2; quantize it back to whole Pi.
    if exact == exact.to_integral_value():
        exact = exact.quantize(1)
    text = formats.number_format(exact, use_l10n=True, force_grouping=True)
    return format_html(
        '<span class="money">{}<span class="money__unit">&nbsp;π</span></span>', text
    )
