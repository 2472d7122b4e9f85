"""What a user holds in the hand: a device with a passkey."""

import json
from typing import Any

from anyauth0.jose import base64url_encode


class Passkey:
    """Stands in for `navigator.credentials`: answers with a credential as JSON."""

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """Make a passkey for a user."""
        self.user_handle = options["user"]["id"]
        return self._answer("webauthn.create", options, {"attestationObject": "AAAA"})

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """Log the user in."""
        proof = {"authenticatorData": "AA", "signature": "AA", "userHandle": self.user_handle}
        return self._answer("webauthn.get", options, proof)

    def _answer(self, kind: str, options: dict[str, Any], proof: dict[str, str]) -> dict[str, Any]:
        data = {"type": kind, "challenge": options["challenge"], "origin": "https://app.example.com"}
        response = {"clientDataJSON": base64url_encode(json.dumps(data).encode()), **proof}
        return {"id": "key-1", "rawId": "key-1", "type": "public-key", "response": response}
