"""What the scripts share, in the order data flows through it: see the README's layout."""

import os

# OpenMP's threads spin while they wait for each other. With anything else running, a browser
# say, that makes a step many times slower, so they sleep instead. It is read when torch is
# first imported, hence here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
