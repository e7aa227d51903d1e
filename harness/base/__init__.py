"""The lowest room, which every other room may import: journal, durations, errors, servers, background tasks, files."""
