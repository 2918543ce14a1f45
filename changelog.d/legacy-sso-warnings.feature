`config check` warns of trusted apps that are reached without encryption, and of a configuration in which nobody can sign in.
