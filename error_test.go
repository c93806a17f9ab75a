package muster

import (
	"errors"
	"fmt"
	"testing"
)

// A log has every cause that the text of an error keeps from users, once, however deep it is.
func TestExplain(t *testing.T) {
	t.Parallel()
	said := func(text string, cause error) *Error { return Errorf(Unavailable, "", "%s", text).Because(cause) }
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"nothing is kept back", errors.New("store: broken"), "store: broken"},
		{"no cause", Errorf(Invalid, "email", "No."), "email: No."},
		{"a cause", said("Later.", errors.New("dial")), "Later., because: dial"},
		{"wrapped", fmt.Errorf("try: %w", said("Later.", errors.New("dial"))), "try: Later., because: dial"},
		{"a cause of a cause", said("A.", fmt.Errorf("b: %w", said("C.", errors.New("d")))), "A., because: b: C., because: d"},
		{"several", Errors{Errorf(Invalid, "a", "A."), said("B.", errors.New("b")), said("C.", errors.New("c"))}, "a: A.; B.; C., because: b, because: c"},
		{"joined", errors.Join(errors.New("x"), said("Y.", errors.New("y"))), "x\nY., because: y"},
	} {
		if got := Explain(c.err); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
