package connector_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

type inner struct {
	Speed int `json:"speed" label:"Speed" help:"How fast."`
}

type config struct {
	URL    string            `json:"url" label:"Address" help:"Where." required:"true" address:"true"`
	Secret string            `json:"secret" label:"Secret" help:"What." secret:"true"`
	Mode   string            `json:"mode" label:"Mode" help:"How." choices:"fast,slow" address:"true"`
	Loud   bool              `json:"loud" label:"Loud" help:"Whether."`
	Names  []string          `json:"names" label:"Names" help:"Who."`
	Map    map[string]string `json:"map" label:"Map" help:"Which."`
	Cert   string            `json:"cert" label:"Certificate" help:"By what." lines:"true"`
	hidden string
	inner
}

func (c *config) Validate() error {
	if strings.HasPrefix(c.URL, "bad") {
		return muster.Errorf(muster.Invalid, "url", "This is bad.")
	}
	return nil
}

var kind = connector.Kind{Name: "sample", Config: func() any {
	return &config{Mode: "fast", Map: map[string]string{"a": "1"}, hidden: "x", inner: inner{Speed: 3}}
}}

func TestDescribe(t *testing.T) {
	t.Parallel()
	var got []string
	for _, s := range connector.Describe(kind.Config()) {
		got = append(got, s.Name+" "+string(s.Type))
		if s.Name == "speed" && s.Default != 3 {
			t.Errorf("default of speed is %v, want 3", s.Default)
		}
	}
	want := []string{"url text", "secret text", "mode choice", "loud boolean", "names list", "map map", "cert lines", "speed number"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("settings are %q, want %q", got, want)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		raw    string
		faults string // fields and codes
	}{
		"OK":           {raw: `{"url":"u","mode":"slow","loud":true,"names":["a"],"map":{"b":"2"},"speed":4}`},
		"NullIsUnset":  {raw: `{"url":"u","mode":null}`},
		"Empty":        {raw: ``, faults: "config.url required"},
		"NotAnObject":  {raw: `[1]`, faults: "config invalid"},
		"Unknown":      {raw: `{"url":"u","ulr":"u","x":1}`, faults: "config.ulr unsupported, config.x unsupported"},
		"CaseMatters":  {raw: `{"URL":"u"}`, faults: "config.URL unsupported, config.url required"},
		"WrongTypes":   {raw: `{"url":5,"loud":"yes","names":"a","map":{"a":1},"speed":"fast"}`, faults: "config.url invalid, config.loud invalid, config.names invalid, config.map invalid, config.speed invalid"},
		"WrongChoice":  {raw: `{"url":"u","mode":"medium"}`, faults: "config.mode invalid"},
		"Validated":    {raw: `{"url":"bad"}`, faults: "config.url invalid"},
		"RedactedOnly": {raw: `{"url":"u","secret":"********"}`, faults: "config.secret required"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := connector.Decode(kind, json.RawMessage(test.raw))
			if s := listed(err); s != test.faults {
				t.Fatalf("faults are %q (%v), want %q", s, err, test.faults)
			}
			if err == nil && got.(*config).Map["a"] != "1" {
				t.Error("the defaults of a map are gone")
			}
		})
	}
	_, err := connector.Decode(kind, json.RawMessage(`{"url":"u","ulr":"u"}`))
	if want := "It has: url, secret, mode, loud, names, map, cert, speed."; !strings.Contains(err.Error(), want) {
		t.Errorf("an unknown setting gives %q; want what there is", err)
	}
	_, err = connector.Decode(kind, json.RawMessage(`{"url":["canary"],"speed":"canary"}`))
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("the message repeats a value: %v", err)
	}
}

func listed(err error) string {
	if err == nil {
		return ""
	}
	var parts []string
	for _, f := range muster.Faults(err) {
		parts = append(parts, f.Field+" "+string(f.Code))
	}
	return strings.Join(parts, ", ")
}

func TestRedact(t *testing.T) {
	t.Parallel()
	got, err := connector.Redact(&config{URL: "u", Secret: "canary", Names: []string{"a"}})
	want := `{"url":"u","secret":"********","mode":"","loud":false,"names":["a"],"map":null,"cert":"","speed":0}`
	if err != nil || string(got) != want {
		t.Errorf("Redact gives %s and %v, want %s", got, err, want)
	}
	if got, _ := connector.Redact(&config{}); strings.Contains(string(got), "***") {
		t.Errorf("a secret that is not set is shown as one that is: %s", got)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	const stored = `{"url":"u","secret":"s","mode":"slow"}`
	for name, test := range map[string]struct {
		stored, update, merged, faults string
	}{
		"Nothing":           {stored, `{}`, `{"mode":"slow","secret":"s","url":"u"}`, ""},
		"RedactedKeeps":     {stored, `{"url":"u","secret":"********","loud":true}`, `{"loud":true,"mode":"slow","secret":"s","url":"u"}`, ""},
		"NewSecret":         {stored, `{"secret":"t"}`, `{"mode":"slow","secret":"t","url":"u"}`, ""},
		"NoSecret":          {stored, `{"secret":null}`, `{"mode":"slow","url":"u"}`, ""},
		"BackToDefault":     {`{"url":"u","loud":true}`, `{"loud":null}`, `{"url":"u"}`, ""},
		"NewAddress":        {stored, `{"url":"v"}`, "", "config.secret required"},
		"NewAddressHidden":  {stored, `{"url":"v","secret":"********"}`, "", "config.secret required"},
		"NewAddressDefault": {stored, `{"mode":null}`, "", "config.secret required"},
		"NewAddressSecret":  {stored, `{"url":"v","secret":"t"}`, `{"mode":"slow","secret":"t","url":"v"}`, ""},
		"SameByDefault":     {`{"url":"u","secret":"s"}`, `{"mode":"fast"}`, `{"mode":"fast","secret":"s","url":"u"}`, ""},
		"NothingStored":     {`{"url":"u"}`, `{"secret":"********"}`, `{"secret":"********","url":"u"}`, ""}, // which Decode refuses
		"NothingToKeep":     {`{"url":"u"}`, `{"url":"v"}`, `{"url":"v"}`, ""},
		"Unknown":           {stored, `{"ulr":"v"}`, "", "config.ulr unsupported"},
	} {
		t.Run(name, func(t *testing.T) {
			merged, err := connector.Merge(kind, json.RawMessage(test.stored), json.RawMessage(test.update))
			if s := listed(err); s != test.faults || string(merged) != test.merged {
				t.Errorf("Merge gives %s and faults %q, want %s and %q", merged, s, test.merged, test.faults)
			}
		})
	}
}

type guarded struct {
	Path  string   `json:"path" operator:"true"`
	Hosts []string `json:"hosts" operator:"true"`
	Free  string   `json:"free"`
}

func TestReserved(t *testing.T) {
	t.Parallel()
	kind := connector.Kind{Name: "guarded", Config: func() any { return &guarded{Path: "/usual", Hosts: []string{"a"}} }}
	if d := connector.Describe(kind.Config()); !d[0].Operator || !d[1].Operator || d[2].Operator {
		t.Errorf("described as %+v", d)
	}
	for name, test := range map[string]struct {
		before, after guarded
		want          []string
	}{
		"Same":          {guarded{Path: "/x"}, guarded{Path: "/x"}, nil},
		"Free":          {guarded{Path: "/x"}, guarded{Path: "/x", Free: "f"}, nil},
		"BackToDefault": {guarded{Path: "/x"}, guarded{Path: "/usual", Hosts: []string{"a"}}, nil},
		"Other":         {guarded{Path: "/x"}, guarded{Path: "/y"}, []string{"path"}},
		"Emptied":       {guarded{Path: "/x"}, guarded{}, []string{"path"}},
		"Both":          {guarded{}, guarded{Path: "/y", Hosts: []string{"b"}}, []string{"path", "hosts"}},
	} {
		if got := connector.Reserved(kind, &test.before, &test.after); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: reserved are %q, want %q", name, got, test.want)
		}
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	cause := muster.Errorf(muster.Invalid, "email", "No.")
	for name, test := range map[string]struct {
		err             error
		permanent, down bool
		after           int64
	}{
		"Unmarked":  {cause, false, false, 0},
		"Permanent": {connector.Permanent(cause), true, false, 0},
		"Down":      {connector.Down(cause), false, true, 0},
		"After":     {connector.RetryAfter(7, cause), false, false, 7},
		"Wrapped":   {errors.Join(errors.New("x"), connector.Permanent(cause)), true, false, 0},
	} {
		v := connector.Verdict(test.err)
		if v.Permanent != test.permanent || v.Down != test.down || int64(v.After) != test.after || !errors.Is(test.err, cause) {
			t.Errorf("%s: verdict is %+v", name, v)
		}
	}
}
