Operators can limit the sessions of a person, in all and per client (`sessions.limits`): whoever has as many chooses on the consent page which ones end for the new one.
