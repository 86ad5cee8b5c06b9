"""Commands that measure: speed, costs, and the results of many seeds."""
