"""Registration: what a record system tells of a patient, taken whole or in part."""
