"""Measure how fast the harness is: `make bench`.

Every figure is compared with a target, or with a reference that is measured in the same run.
"""
