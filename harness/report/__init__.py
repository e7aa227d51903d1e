"""What a person, or a program, looks at after a run."""
