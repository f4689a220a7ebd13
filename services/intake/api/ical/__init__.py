"""iCalendar files (RFC 5545 events, RFC 7953 availability) as calendars of the clinic."""
