"""What made music is worth: rules, statistics, copies, likelihood, each beside real pieces and a trivial baseline."""
