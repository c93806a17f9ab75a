package keycloak

import (
	"context"
	"net/http"
	"strings"

	"github.com/musterid/muster/internal/connector"
)

// overlap is how many users of a page are asked for again with the next one.
const overlap = 10

// List gives every account of the realm, page by page in the order of usernames. Pages are counted from the beginning, so that somebody who is
// deleted meanwhile would push another over the edge between two of them: each page therefore begins with users that were seen already, and one
// that does not is asked for again from further back.
//
// Service accounts of clients are not people's, and accounts that come from a user federation are kept elsewhere: neither is listed, unless it is
// one of ours.
func (t *target) List(ctx context.Context, each func(connector.Account) error) error {
	seen := map[string]bool{}
	next, back := 0, overlap
	for {
		first := max(0, next-back)
		var list []*user
		size := t.PageSize + next - first
		if err := t.do(ctx, call{method: http.MethodGet, path: []string{"users"}, query: page(first, size), out: &list}); err != nil {
			return t.outcome(ctx, "list accounts", err)
		}
		if first > 0 && (len(list) == 0 || !seen[list[0].ID]) {
			back *= 4
			continue
		}
		for _, u := range list {
			if seen[u.ID] {
				continue
			}
			seen[u.ID] = true
			if t.foreign(u) {
				continue
			}
			if err := each(t.account(u)); err != nil {
				return err
			}
		}
		if len(list) < size {
			return nil
		}
		next, back = first+len(list), overlap
	}
}

// foreign says whether an account is none that people have in this realm.
func (t *target) foreign(u *user) bool {
	return len(u.get(t.MarkerAttribute)) == 0 && (u.Federation != "" || strings.HasPrefix(u.ID, "f:") || strings.HasPrefix(u.name(), "service-account-"))
}
