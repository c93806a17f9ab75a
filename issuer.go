package muster

// Issuer is an OpenID Connect issuer whose tokens a tenant accepts.
type Issuer struct {
	// Issuer is its URL, as tokens have it under iss.
	Issuer string `json:"issuer"`
	// Audience are the names under which tokens may be meant for us (aud): one of them must be there.
	Audience []string `json:"audience"`
	// Target is the name of the target whose accounts the issuer signs in: a token's subject is the external id of an account there. It may be empty.
	Target string `json:"target,omitempty"`
	// AdminRole is the realm role whose holders administer the tenant.
	AdminRole string `json:"admin_role,omitempty"`
	// Allow are private address ranges in which the issuer may be called.
	Allow []string `json:"allow,omitempty"`
}
