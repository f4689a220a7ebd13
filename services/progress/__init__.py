"""Progress follows the outcome of every course of care.

It owns the series of readings, their baselines, the milestones that are really reached (and taken
back when a correction removes their ground), the signals that a patient gets worse or stands
still, the reports of adverse events, and the proposals to step down or up a taper ladder.
"""
