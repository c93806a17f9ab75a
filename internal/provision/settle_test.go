package provision

import (
	"errors"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

func TestSentence(t *testing.T) {
	t.Parallel()
	unreachable := muster.Errorf(muster.Unavailable, "config.url", "The directory cannot be reached: connection refused.")
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"of a setting": {unreachable, "The directory cannot be reached: connection refused."},
		"marked":       {connector.Permanent(unreachable), "The directory cannot be reached: connection refused."},
		"plain":        {errors.New("dial tcp: no route"), "Dial tcp: no route"},
	} {
		if got := sentence(c.err); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
