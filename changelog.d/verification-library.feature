New entry of the package: `matrix-gatehouse/verification` verifies JWT access tokens of a provider by its key set or by a folder of keys, without a web framework and without a database.
