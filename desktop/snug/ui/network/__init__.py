"""What is said of the network: the lock at the foot, the ledger, its settings."""
