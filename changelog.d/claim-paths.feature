Claims within objects can be named by their path wherever a claim makes a text, as in `claims: { localpart: matrix.username }`.
