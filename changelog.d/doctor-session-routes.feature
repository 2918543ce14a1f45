The doctor asks the routes of login, refresh and logout at the URL of the homeserver, and finds those that a reverse proxy does not pass on.
