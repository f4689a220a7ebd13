"""Owns what patients and staff are told: the ledger of deliveries, reminders, staff alerts.

Facts come in through the door and become deliveries, durable rows with a time at which they are
due. A sender claims what is due, looks again whether it is still so, and hands it to SMTP.
"""
