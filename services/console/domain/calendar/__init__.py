"""The clinic's calendar as people look at it: who is booked when, and when nobody can be."""
