"""One script for each claim: it measures Glimpse beside what its users would take instead."""
