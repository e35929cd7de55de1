"""Independent attempts at one loop, side by side on one ledger."""
