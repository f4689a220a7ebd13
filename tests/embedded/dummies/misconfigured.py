"""Refuses its configuration."""

import sys

sys.stdout.write("STRIDE_EXAMPLE is missing\n")
sys.exit(78)
