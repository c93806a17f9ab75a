package cli

import (
	"errors"
	"reflect"
	"testing"

	"github.com/musterid/muster"
)

func TestSettingsOfThePolicy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		set  string
		want any // nil: refused
	}{
		{"policy.allow=127.0.0.1", []string{"127.0.0.1"}},
		{"policy.allow=127.0.0.1, 10.0.0.0/8", []string{"127.0.0.1", "10.0.0.0/8"}},
		{"policy.allow=10", []string{"10"}},
		{"policy.allow=", []string{}},
		{"policy.states=active", []string{"active"}},
		{"policy.concurrency=2", 2.0},
		{"policy.rate=0.5", 0.5},
		{"policy.rate=fast", nil},
		{"policy.groups=true", true},
		{"policy.groups=perhaps", nil},
		{"policy.match=email", "email"},
		{"policy.on_delete=1,2", "1,2"}, // the server says what it may be
		{"policy.speed=1", "1"},
	} {
		t.Run(c.set, func(t *testing.T) {
			t.Parallel()
			_, policy, err := settingFlags{Set: []string{c.set}}.read(newSession(t.Context(), nil, nil, nil), kindView{})
			var ended *exit
			switch {
			case c.want == nil && (!errors.As(err, &ended) || ended.code != ExitUsage):
				t.Errorf("taken as %v, %v", policy, err)
			case c.want != nil && err != nil:
				t.Error(err)
			}
			for _, got := range policy {
				if c.want != nil && !reflect.DeepEqual(got, c.want) {
					t.Errorf("taken as %#v, want %#v", got, c.want)
				}
			}
		})
	}
}

// A field of another type than those known needs a shape of its own.
func TestEveryFieldOfThePolicyHasAShape(t *testing.T) {
	t.Parallel()
	for _, f := range reflect.VisibleFields(reflect.TypeFor[muster.TargetPolicy]()) {
		switch f.Type.Kind() {
		case reflect.Int, reflect.Float64, reflect.Bool, reflect.String:
		case reflect.Slice:
			if f.Type.Elem().Kind() == reflect.String {
				continue
			}
			fallthrough
		default:
			t.Errorf("%s is a %s", f.Name, f.Type)
		}
	}
}
