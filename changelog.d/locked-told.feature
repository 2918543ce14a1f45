People who are locked or deactivated are told right after the identity provider, before they are asked anything, on a page with a reference that stands in the log beside the reason and the user.
