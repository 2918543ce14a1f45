Login by password works with Glewlwyd, which refuses a wrong one without a word.
