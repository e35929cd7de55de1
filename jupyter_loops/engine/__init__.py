"""The verbs: one run's cycle, its state machine, its ledger, and what it does when a call fails."""
