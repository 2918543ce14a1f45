A sign-out at the identity provider signs out here: back-channel logout is received at `{public_url}upstream/{id}/backchannel-logout`.
