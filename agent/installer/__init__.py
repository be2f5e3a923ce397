"""The installer: a bundle or a checkout goes in; an installed, checked and running unit comes out, and the way back from it.

It runs by the system's python3 before anything is installed, so it is of the standard library alone; of `agent` it knows only the version.
"""
