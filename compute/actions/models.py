"""The only place that registers models: stores the graph, signs the manifest."""

from typing import Any

from django.conf import settings
from django.db import transaction

from blobs import actions as blobs
from compute import manifests
from compute.errors import ModelRefused
from compute.models import Model

GRAPH_MAX_BYTES = 200 * 1024 * 1024


@transaction.atomic
def register_model(onnx_bytes: bytes, manifest: dict[str, Any]) -> Model:
    """Return the model of this graph and manifest, signing it the first time.

    Raises ModelRefused.
    """
    try:
        manifests.check(manifest)
    except manifests.BadManifest as error:
        raise ModelRefused(str(error)) from error
    if not 0 < len(onnx_bytes) <= GRAPH_MAX_BYTES:
        raise ModelRefused
    graph = blobs.put(onnx_bytes, media_type="application/onnx")
    text = manifests.canonical(
        {**manifest, "graph": {"digest": graph.digest, "size": graph.size}}
    )
    key = manifests.signing_key(settings.MODEL_KEY_FILE)
    model, _ = Model.objects.get_or_create(
        digest=manifests.digest_of(text),
        defaults={
            "name": manifest["name"],
            "graph": graph,
            "manifest": text,
            "signature": manifests.sign(text, key),
            "key_id": manifests.key_id(manifests.public_hex(key)),
        },
    )
    return model
