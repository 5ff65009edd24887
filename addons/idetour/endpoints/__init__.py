"""What is served, one file per path; `app.py` has the table of them."""
