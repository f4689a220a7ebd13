"""The calendar: by day and by week, per practitioner and per room, with what can be done about an appointment."""
