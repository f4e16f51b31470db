"""From the outcomes of requests to results, a report and its verdict."""
