Devices without a browser sign in by the device grant (RFC 8628), QR login included: the person goes to `/device`, signs in at the identity provider and confirms what the device asked for.
