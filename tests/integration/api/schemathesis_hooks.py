"""Loaded by the schemathesis command: how to send bodies of types that it does not know."""

import schemathesis

schemathesis.serializer.alias(["application/sdp", "application/trickle-ice-sdpfrag"], "text/plain")
