"""Scheduling owns the calendars of practitioners, rooms and patients, and books whole courses on them.

It hears of plans, sessions held and requests for change; it says which appointments are booked,
moved, cancelled or missed, and which sessions found no time and why.
"""
