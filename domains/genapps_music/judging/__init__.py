"""What made music is worth: rules, statistics, copies and likelihood, each beside real pieces and a trivial baseline."""
