"""Guardians and caregivers: who is told in a patient's place."""
