"""FHIR R4 reads: what Stride knows of a patient, in the words that clinic systems speak.

Every resource is a pure function of the patient's facts: nothing is stored as FHIR.
"""
