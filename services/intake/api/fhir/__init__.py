"""FHIR R4 at the edge. The library's R4B models read it: for the resources taken here, R4 and R4B are the same."""
