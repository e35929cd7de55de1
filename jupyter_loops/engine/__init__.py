"""The engine: the cycle of a run, its state machine, its ledger, and its policies for calls that fail."""
