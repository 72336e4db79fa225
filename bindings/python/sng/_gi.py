# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The one place where the package imports gi; what imports this one does so as late as can be."""

from typing import Any

MISSING = """{error}
The package sng is there, but not what it stands on. It needs PyGObject (Debian: python3-gi; a virtual environment
sees that with --system-site-packages) and libsng itself with its typelib (Debian: gir1.2-sng-1.0; below another
prefix than /usr, GI_TYPELIB_PATH names the directory girepository-1.0)."""

try:
    import gi
    gi.require_version("Sng", "1.0")
    from gi.repository import Gio, GLib, GObject, Sng
except (AttributeError, ImportError, ValueError) as error:
    # A directory gi/ on the path that is not PyGObject's is imported as well, and has nothing in it.
    raise ImportError(MISSING.format(error=error), name="gi") from error

__all__ = ["GLib", "GObject", "Gio", "Sng", "namespace"]


def namespace() -> Any:
    """The namespace Sng of the typelib, with its override."""
    return Sng
