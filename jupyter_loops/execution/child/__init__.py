"""What runs inside the sandbox. Standard library only, and as little of it as start-up allows."""
