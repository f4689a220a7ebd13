"""Who vouches for people: the file of local accounts, or an OpenID Connect provider."""
