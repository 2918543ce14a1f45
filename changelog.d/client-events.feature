Removing a client and making a signing key are events too, recorded with who did it; `client_registered` is told of clients that an operator adds as well.
