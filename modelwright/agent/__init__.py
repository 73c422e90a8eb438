"""One request from start to end: session, approvals, trace, report."""
