"""Pagetrail on one machine: the emulator, the sandbox and an installed stack, for tests and the demo."""
