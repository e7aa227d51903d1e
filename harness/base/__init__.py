"""What every other part uses: the journal, durations, the loopback server, the base errors."""
