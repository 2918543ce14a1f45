Clients can have their answer posted (`response_mode=form_post`).
