"""The site's settings for a test run: a data folder of its own, and no waiting."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_folder = tempfile.mkdtemp(prefix="tessera-tests-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
# Set before the site's settings are read: tests never touch the demo's data.
os.environ |= {
    "TESSERA_DATA": _folder,
    "DEBUG": "0",
    "HTTPS": "0",
    "LOG_LEVEL": "ERROR",
    "REDIS_URL": "",
}

from marketplace.site.settings import *  # noqa: E402, F403
from marketplace.site.settings import STATIC_ROOT, STORAGES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
Path(STATIC_ROOT).mkdir(parents=True)
