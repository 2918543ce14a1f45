A disk that fails to store the database ends the process with exit code 74, so that its supervisor starts it anew.
