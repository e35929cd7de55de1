"""Planning: what a model is asked each round, and how its answer is read."""
