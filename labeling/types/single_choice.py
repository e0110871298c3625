"""One label for the whole picture."""

from collections import Counter
from collections.abc import Sequence

from labeling.types.contract import Content, Frame, require_keys, require_label


class SingleChoice:
    """``{"label": name}``; a proposal may carry ``score`` beside it."""

    name = "single_choice"
    widget = "single_choice"

    def clean(self, content: object, frame: Frame) -> Content:
        answer = require_keys(content, "", {"label"})
        return {"label": require_label(answer["label"], "label", frame.labels)}

    def clean_proposal(self, content: object, frame: Frame) -> Content:
        proposal = require_keys(content, "", {"label"}, {"score"})
        require_label(proposal["label"], "label", frame.labels)
        return dict(proposal)

    def agreement(self, one: Content, other: Content, threshold: float) -> float:
        return 1.0 if one["label"] == other["label"] else 0.0

    def fuse(self, contents: Sequence[Content], threshold: float) -> Content:
        counts = Counter(content["label"] for content in contents)
        return {"label": min(counts, key=lambda label: (-counts[label], label))}
