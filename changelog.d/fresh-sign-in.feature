`max_age` and `prompt=login` are kept, by the time of sign-in that the identity provider tells, and refused where it tells none; `prompt=create` is advertised where the provider can create accounts.
