"""Bytes, known by their SHA-256; who may see them is decided above."""

from django.db import models


class Blob(models.Model):
    digest = models.CharField(max_length=64, primary_key=True)  # hex SHA-256
    size = models.PositiveBigIntegerField()
    media_type = models.CharField(max_length=80)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.digest[:12]} ({self.media_type}, {self.size} bytes)"
