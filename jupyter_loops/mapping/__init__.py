"""Maps one loop over the rows of a table, on one ledger."""
