"""The statements that save patients: each takes all its rows at once, as one JSON array."""

from sqlalchemy import text

SAVE_PATIENTS = text("""
    INSERT INTO patient (patient_key, clinic_id, patient_id, revision, contact_revision, name, email, language, zone)
    SELECT patient_key, clinic_id, patient_id, revision, contact_revision, name, email, language, zone
    FROM json_populate_recordset(NULL::patient, CAST(CAST(:rows AS text) AS json))
    ON CONFLICT (patient_key) DO UPDATE SET
        revision = excluded.revision, contact_revision = excluded.contact_revision, name = excluded.name,
        email = excluded.email, language = excluded.language, zone = excluded.zone
""")
SAVE_PLANS = text("""
    INSERT INTO plan (patient_key, plan_id, version, ended_at, end_reason)
    SELECT patient_key, plan_id, version, ended_at, end_reason
    FROM json_populate_recordset(NULL::plan, CAST(CAST(:rows AS text) AS json))
    ON CONFLICT (patient_key, plan_id) DO UPDATE SET
        version = excluded.version, ended_at = excluded.ended_at, end_reason = excluded.end_reason
""")
SAVE_APPOINTMENTS = text("""
    INSERT INTO appointment (patient_key, appointment_id, plan_id, sequence, version, status, start_at, end_at,
        practitioner_id, booking_id, booking_size, replaces)
    SELECT patient_key, appointment_id, plan_id, sequence, version, status, start_at, end_at,
        practitioner_id, booking_id, booking_size, replaces
    FROM json_populate_recordset(NULL::appointment, CAST(CAST(:rows AS text) AS json))
    ON CONFLICT (patient_key, appointment_id) DO UPDATE SET
        version = excluded.version, status = excluded.status, start_at = excluded.start_at, end_at = excluded.end_at,
        practitioner_id = excluded.practitioner_id, booking_id = excluded.booking_id,
        booking_size = excluded.booking_size, replaces = excluded.replaces
""")
ADD_DELIVERIES = text("""
    INSERT INTO delivery (delivery_id, patient_key, clinic_id, patient_id, recipient, recipient_id, channel, topic,
        subject_id, subject_version, slot, plan_id, state, reason, due_at, valid_until)
    SELECT delivery_id, patient_key, clinic_id, patient_id, recipient, recipient_id, channel, topic,
        subject_id, subject_version, slot, plan_id, state, reason, due_at, valid_until
    FROM json_populate_recordset(NULL::delivery, CAST(CAST(:rows AS text) AS json))
    ON CONFLICT DO NOTHING
""")
CHANGE_DELIVERIES = text("""
    UPDATE delivery SET state = changed.state, reason = changed.reason, due_at = changed.due_at
    FROM json_populate_recordset(NULL::delivery, CAST(CAST(:rows AS text) AS json)) AS changed
    WHERE delivery.delivery_id = changed.delivery_id AND delivery.state IN ('planned', 'scheduled', 'suppressed')
""")
"""Guarded: what the sender has claimed, or what is settled, is never taken back."""
SAVE_ALERTS = text("""
    INSERT INTO alert (alert_id, patient_key, clinic_id, patient_id, kind, severity, title, owner, plan_id,
        evidence, raised_at, acknowledged_by, acknowledged_at)
    SELECT alert_id, patient_key, clinic_id, patient_id, kind, severity, title, owner, plan_id,
        evidence, raised_at, acknowledged_by, acknowledged_at
    FROM json_populate_recordset(NULL::alert, CAST(CAST(:rows AS text) AS json))
    ON CONFLICT (alert_id) DO UPDATE SET
        acknowledged_by = COALESCE(alert.acknowledged_by, excluded.acknowledged_by),
        acknowledged_at = COALESCE(alert.acknowledged_at, excluded.acknowledged_at)
""")
