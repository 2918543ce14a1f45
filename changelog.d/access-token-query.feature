On Matrix routes the access token may also stand in the query (`?access_token=`), for old clients; never in both places, and never in the log.
