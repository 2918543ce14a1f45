Apps that know no login flow can show the fallback page at `/_matrix/static/client/login/`, which signs people in by single sign-on.
