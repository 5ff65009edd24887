"""What upstreams say when they refuse."""

QUOTA = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
BUSY = {"error": {"message": "ResourceExhausted: Worker local total request limit reached (163/32)"}}
DEGRADED = {"status": 400, "title": "Bad Request", "detail": "Function id '1': DEGRADED function"}
