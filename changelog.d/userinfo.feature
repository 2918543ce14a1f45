A userinfo endpoint tells clients with the scope `openid` who is signed in, confidential clients can introspect their own tokens, and static clients can get tokens of their own (client credentials).
