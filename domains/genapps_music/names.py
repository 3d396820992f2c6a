"""Names of files that every page, manifest and JSON can hold."""

from __future__ import annotations

import os

from genapps.errors import UsageError
from genapps.io.folders import NO_UTF8, utf8
from genapps.io.placing import Named


def check_names(*names: Named) -> None:
    """Refuse names that are no UTF-8. Raises UsageError."""
    for name in names:
        if name is not None and not utf8(str(name)):
            raise UsageError(f"{os.fsencode(name).decode('utf-8', 'backslashreplace')}: {NO_UTF8}")
