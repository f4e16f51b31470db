"""One check of a service: wait until it is stable, measure, run the extra checks."""
