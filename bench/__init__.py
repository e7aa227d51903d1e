"""How fast the harness is: `make bench`. Every figure stands beside its yardstick, measured in the same run."""
