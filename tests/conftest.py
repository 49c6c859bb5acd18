"""What every test runs under: no hub, one thread, no deadline on a busy machine."""

import os

from hypothesis import settings

os.environ["HF_HUB_OFFLINE"] = "1"
# Two threads on two busy cores run up to ten times slower than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("busy", deadline=None)
settings.load_profile("busy")
