"""The certificate authority that the user is asked to trust, and what it is allowed to be.

`names.py` says which hosts may be listed, `chain.py` makes the certificates,
`sets.py` and `vault.py` keep them in a folder, `authority.py` decides when they
will do; `stores/` has the places where programs look for roots, `trust.py` what
is done with each; `outbound.py` sees to it that our own requests never trust them.
"""

from idetour.certs.authority import Authority, Status, ensure, load, status
from idetour.certs.outbound import outbound_context

__all__ = ["Authority", "Status", "ensure", "load", "outbound_context", "status"]
