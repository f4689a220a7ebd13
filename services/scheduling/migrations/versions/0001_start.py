"""The first tables of scheduling."""

from alembic import op

from shared.messaging.migrations import create_v1

revision = "0001"
down_revision = None

_CALENDARS = """
    CREATE TABLE clinic (
        clinic_id text PRIMARY KEY,
        source text NOT NULL,
        revision bigint NOT NULL,
        zone text NOT NULL,
        slot_minutes integer NOT NULL,
        buffer_minutes integer NOT NULL,
        horizon_days integer NOT NULL);
    CREATE TABLE resource (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        clinic_id text NOT NULL,
        kind text NOT NULL CHECK (kind IN ('practitioner', 'room', 'patient')),
        external_id text NOT NULL,
        zone text NOT NULL,
        offers text[] NOT NULL DEFAULT '{}',
        active boolean NOT NULL DEFAULT true,
        revision bigint NOT NULL DEFAULT 0,
        UNIQUE (clinic_id, kind, external_id));
    CREATE TABLE availability_rule (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        resource bigint NOT NULL REFERENCES resource,
        weekday smallint NOT NULL CHECK (weekday BETWEEN 0 AND 6),
        starts time NOT NULL,
        ends time NOT NULL,
        valid_from date,
        valid_until date,
        CHECK (starts < ends));
    CREATE INDEX availability_rule_resource ON availability_rule (resource);
    CREATE TABLE availability_exception (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        clinic_id text NOT NULL REFERENCES clinic,
        resource bigint REFERENCES resource,
        day date NOT NULL,
        starts time,
        ends time,
        CHECK ((starts IS NULL) = (ends IS NULL)),
        CHECK (starts < ends));
    CREATE INDEX availability_exception_clinic ON availability_exception (clinic_id, day);
    CREATE TABLE holiday (
        clinic_id text NOT NULL REFERENCES clinic,
        day date NOT NULL,
        name text NOT NULL,
        PRIMARY KEY (clinic_id, day));
"""
_COURSES = """
    CREATE TABLE course (
        clinic_id text NOT NULL,
        plan_id text NOT NULL,
        patient_id text NOT NULL,
        plan_version integer NOT NULL,
        state text NOT NULL CHECK (state IN ('expected', 'active', 'ended')),
        terms jsonb,
        waiting jsonb NOT NULL,
        ended_at timestamptz,
        PRIMARY KEY (clinic_id, plan_id, patient_id));
    CREATE INDEX course_patient ON course (clinic_id, patient_id);
    CREATE TABLE session (
        clinic_id text NOT NULL,
        plan_id text NOT NULL,
        patient_id text NOT NULL,
        sequence integer NOT NULL,
        phase text NOT NULL,
        min_gap_days integer NOT NULL,
        max_gap_days integer NOT NULL,
        spacing_days double precision NOT NULL,
        minutes integer NOT NULL,
        given_up boolean NOT NULL,
        unplaced_reason text,
        unplaced_detail text,
        earliest timestamptz,
        latest timestamptz,
        PRIMARY KEY (clinic_id, plan_id, patient_id, sequence),
        FOREIGN KEY (clinic_id, plan_id, patient_id) REFERENCES course);
    CREATE TABLE appointment (
        id text PRIMARY KEY,
        clinic_id text NOT NULL,
        plan_id text NOT NULL,
        patient_id text NOT NULL,
        version integer NOT NULL,
        sequence integer NOT NULL,
        state text NOT NULL CHECK (state IN ('booked', 'cancelled', 'noshow')),
        session_id text,
        status text GENERATED ALWAYS AS (CASE WHEN session_id IS NULL THEN state ELSE 'fulfilled' END) STORED,
        reason text NOT NULL,
        start_at timestamptz NOT NULL,
        end_at timestamptz NOT NULL,
        practitioner bigint NOT NULL REFERENCES resource,
        room bigint NOT NULL REFERENCES resource,
        buffer_minutes integer NOT NULL,
        booking_id text NOT NULL,
        replaces text,
        FOREIGN KEY (clinic_id, plan_id, patient_id) REFERENCES course,
        CHECK (start_at < end_at));
    CREATE INDEX appointment_patient ON appointment (clinic_id, patient_id);
    CREATE INDEX appointment_start ON appointment (clinic_id, start_at);
"""
_CLAIMS = """
    CREATE TABLE claim (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        appointment_id text NOT NULL REFERENCES appointment,
        resource bigint NOT NULL REFERENCES resource,
        during tstzrange NOT NULL,
        live boolean NOT NULL DEFAULT true,
        CONSTRAINT claim_no_overlap
            EXCLUDE USING gist (int8range(resource, resource, '[]') WITH &&, during WITH &&) WHERE (live));
    CREATE INDEX claim_busy ON claim (resource, lower(during)) INCLUDE (during) WHERE live;
    CREATE INDEX claim_appointment ON claim (appointment_id);
"""
_WAITING = """
    CREATE TABLE change_request (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        request_id text NOT NULL,
        appointment_id text NOT NULL,
        change text NOT NULL CHECK (change IN ('cancel', 'move', 'no-show')),
        requested_at timestamptz NOT NULL,
        not_before timestamptz,
        rebook boolean NOT NULL,
        taken boolean NOT NULL,
        PRIMARY KEY (clinic_id, patient_id, request_id));
    CREATE TABLE attendance (
        clinic_id text NOT NULL,
        patient_id text NOT NULL,
        session_id text NOT NULL,
        started_at timestamptz,
        plan_id text,
        appointment_id text,
        voided boolean NOT NULL,
        PRIMARY KEY (clinic_id, patient_id, session_id));
"""


def upgrade() -> None:
    create_v1()
    for tables in (_CALENDARS, _COURSES, _CLAIMS, _WAITING):
        for statement in tables.split(";"):
            if statement.strip():
                op.execute(statement)
