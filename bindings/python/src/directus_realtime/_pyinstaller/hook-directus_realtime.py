"""PyInstaller: the library goes beside the package, where the package looks for it."""

from directus_realtime._library import path_of_library

binaries = [(str(path_of_library()), "directus_realtime")]
