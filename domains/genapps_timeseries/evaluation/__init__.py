"""The task `evaluate`: scores and alarms against labels, beside what chance would get."""
