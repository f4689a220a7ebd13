"""A simulated clinic: how well patients are treated and time is used under each policy of booking."""
