package native

import (
	"net/http/httptest"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/intake"
)

func TestTextsThatNoDatabaseHolds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, field string }{
		"plain":             {`{"label":"a","code":"b"}`, "-"},
		"escaped backslash": {`{"label":"\\u0000"}`, "-"},
		"value":             {`{"label":"a","code":"b\u0000"}`, "code"},
		"nested":            {`{"label":"a","attributes":{"x":["y",{"z":"\u0000"}]},"code":"b"}`, "attributes"},
		"after nested":      {`{"attributes":{"x":[1,true,null]},"code":"\u0000"}`, "code"},
		"name":              {`{"a\u0000":1}`, ""},
		"text alone":        {`"\u0000"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := checkTexts([]byte(c.body))
			switch {
			case c.field == "-" && err != nil:
				t.Errorf("refused: %v", err)
			case c.field != "-" && (err == nil || muster.Faults(err)[0].Field != c.field):
				t.Errorf("want a fault of %q, got %v", c.field, err)
			}
		})
	}
	for address, want := range map[string]muster.Code{
		"/v1/people?name=%C3%A9": "", "/v1/people?email=%00": muster.Invalid, "/v1/people?email=a&email=%ff": muster.Invalid,
		"/v1/tenants/%00": muster.NotFound, "/v1/tenants/%ff": muster.NotFound,
	} {
		err := checkAddress(httptest.NewRequest("GET", address, nil))
		if want == "" && err != nil || want != "" && muster.CodeOf(err) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
	for name, value := range map[string]string{"source": "\x00", "sheet": "\xff"} {
		if err := (options{}).set(name, value); muster.CodeOf(err) != muster.Invalid {
			t.Errorf("option %s: %v", name, err)
		}
	}
	for _, file := range []string{"a\nb.csv", "a\x00", "\xff", "a\u0085"} {
		if _, err := (options{}).upload(file, intake.Limits{}); muster.CodeOf(err) != muster.Invalid {
			t.Errorf("file name %q: %v", file, err)
		}
	}
}
