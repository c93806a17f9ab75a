// Package outbound makes connections to addresses that users configure, such as those of targets. A user could otherwise make the server call what
// only the server can reach: its own machine, the private network, the metadata service of a cloud.
//
// The check is made on the address that is dialed, after the name was resolved, so no spelling of an address and no change of a DNS answer gets
// around it. What a target may reach all the same is its allow-list.
//
// It knows nothing about the protocols spoken over these connections (see internal/connector), does not repeat what failed, and uses no proxy: a
// proxy would dial in its place. Begin with Guard (guard.go); ranges.go has what is refused, http.go the HTTP client over it.
package outbound
