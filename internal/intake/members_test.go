package intake

import (
	"fmt"
	"strings"
	"testing"
)

// What is remembered of a body does not grow with it: neither with how many names there are, nor with how long they are.
func TestFewNamesAreRemembered(t *testing.T) {
	m := newMembers(Array{Secret: "password"})
	long := strings.Repeat("long", 50_000)
	_, password := m.row(fmt.Appendf(nil, `{%q:1,"password":"secret"}`, long))
	for n := range 2 * namesKept {
		raw := fmt.Appendf(nil, `{"%d":1,"%d%s":2,"password":"secret %d"}`, n, n, long[:nameKept*(n%2)], n)
		if _, password := m.row(raw); string(password) != fmt.Sprint("secret ", n) {
			t.Fatalf("row %d: password %q", n, password)
		}
	}
	kept := 0
	for name := range m.names {
		kept += len(name)
	}
	if string(password) != "secret" || kept > namesKept*nameKept {
		t.Errorf("password %q, %d bytes of names are kept", password, kept)
	}
}
