`gatehouse doctor` tells where login by password is on and the identity provider does not let the client use the password grant (`provider.password_grant`).
