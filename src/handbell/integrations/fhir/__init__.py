"""FHIR files: read line by line, mapped, applied once; what cannot be used is named."""
