package provision

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/musterid/muster"
)

func TestPolicyMerged(t *testing.T) {
	t.Parallel()
	policy := muster.DefaultTargetPolicy()
	policy.Rate, policy.Attempts, policy.Allow = 5, 3, []string{"10.0.0.1", "10.0.0.2"}
	got, err := mergePolicy(policy, json.RawMessage(`{"allow":["127.0.0.1"],"groups":true,"attempts":null,"states":["active"]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := muster.DefaultTargetPolicy()
	want.Rate, want.Groups, want.Allow, want.States = 5, true, []string{"127.0.0.1"}, []muster.State{muster.Active}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("merged %+v, want %+v", got, want)
	}
	if policy.Allow[0] != "10.0.0.1" {
		t.Errorf("what was merged over has become %v", policy.Allow)
	}
}

// What a policy cannot be is told by field, all at once, and in words that do not come from the program's insides.
func TestPolicyRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		given  string
		fields []string
		says   string
	}{
		{`"fast"`, []string{"policy"}, "JSON object"},
		{`{"allow":"127.0.0.1"}`, []string{"policy.allow"}, "A list of texts is expected."},
		{`{"allow":[1]}`, []string{"policy.allow"}, "A list of texts is expected."},
		{`{"states":"active"}`, []string{"policy.states"}, "A list of texts is expected."},
		{`{"allow":["10.0.0.0/8","intranet","10.0.0.0/99"]}`, []string{"policy.allow", "policy.allow"}, `"intranet" is not an address`},
		{`{"attempts":"3"}`, []string{"policy.attempts"}, "A whole number is expected."},
		{`{"attempts":1.5}`, []string{"policy.attempts"}, "A whole number is expected."},
		{`{"attempts":0}`, []string{"policy.attempts"}, "1 to 100"},
		{`{"rate":"fast"}`, []string{"policy.rate"}, "A number is expected."},
		{`{"groups":"yes"}`, []string{"policy.groups"}, "true or false is expected."},
		{`{"match":1}`, []string{"policy.match"}, "A text is expected."},
		{`{"speed":1}`, []string{"policy.speed"}, "It has: concurrency, rate,"},
		{`{"speed":1,"groups":1,"attempts":0}`, []string{"policy.groups", "policy.speed", "policy.attempts"}, ""},
	} {
		t.Run(c.given, func(t *testing.T) {
			t.Parallel()
			_, err := mergePolicy(muster.DefaultTargetPolicy(), json.RawMessage(c.given))
			var fields []string
			for _, fault := range muster.Faults(err) {
				fields = append(fields, fault.Field)
				if strings.Contains(fault.Message, "Go ") || strings.Contains(fault.Message, "json:") {
					t.Errorf("says %q", fault.Message)
				}
			}
			if err == nil || !slices.Equal(fields, c.fields) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("refused with %v, fields %v", err, fields)
			}
		})
	}
}

// A policy that was stored before is not looked at again when something else changes.
func TestPolicyNotGiven(t *testing.T) {
	t.Parallel()
	stored := muster.TargetPolicy{Allow: []string{"intranet"}}
	if got, err := mergePolicy(stored, nil); err != nil || !reflect.DeepEqual(got, stored) {
		t.Errorf("%+v, %v", got, err)
	}
}
