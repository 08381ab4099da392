"""Names that an admin gave are looked up and noted; all others stay refused."""

import pytest

from appliance.core.egress import Egress


def test_a_name_that_an_admin_gave_is_looked_up_and_noted() -> None:
    egress = Egress({})
    egress.watching = True
    with pytest.raises(PermissionError):
        egress._audit("socket.getaddrinfo", ("mirror.lan", 5000))
    assert "127.0.0.1" in egress.look_up("localhost", purpose="model_registry")
    assert set(egress.look_up("10.0.0.7", purpose="model_registry")) == {"10.0.0.7"}
    with pytest.raises(PermissionError):
        egress._audit("socket.getaddrinfo", ("mirror.lan", 5000))
    noted = [(attempt.verdict, attempt.host, attempt.purpose) for attempt in egress.take_unsaved()]
    assert noted == [
        ("refused", "mirror.lan", "lookup"),
        ("allowed", "localhost", "model_registry"),
        ("refused", "mirror.lan", "lookup"),
    ]
