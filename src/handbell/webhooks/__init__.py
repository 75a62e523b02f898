"""Providers' callbacks: verified, stored, acknowledged, and only then applied."""
