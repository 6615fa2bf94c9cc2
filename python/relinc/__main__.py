"""`python -m relinc` is `relinc`."""

import os
import sys

from .program import find

os.execv(find(), ["relinc", *sys.argv[1:]])
