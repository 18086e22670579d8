"""Static files under names that change with their content, imports between scripts included."""

import hashlib
from collections.abc import Iterator

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """WhiteNoise's storage, with the imports of ES modules rewritten too."""

    support_js_module_import_aggregation = True
    manifest_strict = False


def collect_if_changed() -> bool:
    """Collect the static files where one of them has changed since the last time; return whether it was needed."""
    state = hashlib.sha256("\n".join(sorted(_sources())).encode()).hexdigest()
    stamp = settings.DATA_DIR / "static.stamp"
    if stamp.exists() and stamp.read_text() == state and settings.STATIC_ROOT.exists():
        return False
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    stamp.write_text(state)
    return True


def _sources() -> Iterator[str]:
    """Yield path, time and size of each source file."""
    for finder in get_finders():
        for path, storage in finder.list([]):
            yield f"{path} {storage.get_modified_time(path).timestamp()} {storage.size(path)}"
