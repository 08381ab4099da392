"""Adapters: one file per vendor, the only place a vendor's library is imported."""
