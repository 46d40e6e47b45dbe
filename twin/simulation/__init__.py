"""Make up what the district would measure, with faults whose truth is kept."""
