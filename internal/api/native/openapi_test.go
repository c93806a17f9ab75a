package native_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/api/native"
	"github.com/musterid/muster/internal/config"
)

// document is as much of OpenAPI 3.1 as is held to account here.
type document struct {
	OpenAPI    string                                       `json:"openapi"`
	Info       struct{ Title, Version, Description string } `json:"info"`
	Paths      map[string]map[string]*operation             `json:"paths"`
	Tags       []struct{ Name string }                      `json:"tags"`
	Security   []map[string][]string                        `json:"security"`
	Components struct {
		Schemas         map[string]any `json:"schemas"`
		SecuritySchemes map[string]any `json:"securitySchemes"`
	} `json:"components"`
}

type operation struct {
	OperationID string   `json:"operationId"`
	Summary     string   `json:"summary"`
	Description string   `json:"description"`
	Tags        []string `json:"tags"`
	Parameters  []struct {
		Name, In string
		Required bool
	} `json:"parameters"`
	RequestBody *struct {
		Content map[string]any `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Description string         `json:"description"`
		Content     map[string]any `json:"content"`
	} `json:"responses"`
}

func describe(t *testing.T) (*server, document, []byte) {
	t.Helper()
	s := serve(t, config.Config{})
	a := s.must(http.StatusOK, http.MethodGet, "/v1/openapi.json", "", "Authorization", "") // everybody's
	var d document
	a.into(t, &d)
	return s, d, a.body
}

var inPath = regexp.MustCompile(`\{(\w+)\}`)

func TestTheDescriptionIsComplete(t *testing.T) {
	t.Parallel()
	_, d, _ := describe(t)
	if d.OpenAPI != "3.1.0" || d.Info.Title == "" || d.Info.Version == "" || len(d.Info.Description) < 500 {
		t.Errorf("the head of the document: %q %+v", d.OpenAPI, d.Info)
	}
	if len(d.Security) != 2 || len(d.Components.SecuritySchemes) != 2 {
		t.Errorf("nothing says how to send a key: %v", d.Security)
	}
	seen := map[string]bool{}
	for path, operations := range d.Paths {
		for method, o := range operations {
			where := strings.ToUpper(method) + " " + path
			if o.OperationID == "" || seen[o.OperationID] {
				t.Errorf("%s: the operation id %q is missing or not its own", where, o.OperationID)
			}
			seen[o.OperationID] = true
			if o.Summary == "" || o.Description == "" || len(o.Tags) != 1 || !slices.ContainsFunc(d.Tags, func(tag struct{ Name string }) bool { return tag.Name == o.Tags[0] }) {
				t.Errorf("%s is not described: %+v", where, o)
			}
			checkParameters(t, where, path, o)
			checkResponses(t, where, o)
		}
	}
}

func checkParameters(t *testing.T, where, path string, o *operation) {
	t.Helper()
	var said, wanted []string
	for _, p := range o.Parameters {
		if p.In == "path" {
			said = append(said, p.Name)
			if !p.Required {
				t.Errorf("%s: the parameter %s of the path is not required", where, p.Name)
			}
		}
	}
	for _, m := range inPath.FindAllStringSubmatch(path, -1) {
		wanted = append(wanted, m[1])
	}
	if !slices.Equal(said, wanted) {
		t.Errorf("%s: parameters %v are described, the path has %v", where, said, wanted)
	}
}

func checkResponses(t *testing.T, where string, o *operation) {
	t.Helper()
	good := 0
	for status, r := range o.Responses {
		if r.Description == "" {
			t.Errorf("%s: the answer %s has no description", where, status)
		}
		if strings.HasPrefix(status, "2") {
			good++
		}
	}
	if good != 1 {
		t.Errorf("%s: %d good answers are described", where, good)
	}
	if o.Responses["default"].Content["application/problem+json"] == nil {
		t.Errorf("%s: nothing says what an error looks like", where)
	}
}

// What is described is what is served, and the other way round.
func TestTheDescriptionIsTrue(t *testing.T) {
	t.Parallel()
	_, d, _ := describe(t)
	var described []string
	for path, operations := range d.Paths {
		for method := range operations {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	served := slices.DeleteFunc(native.Routes(), func(route string) bool { return route == "GET /v1/openapi.json" })
	slices.Sort(described)
	slices.Sort(served)
	if !slices.Equal(described, served) {
		t.Errorf("described and served differ:\n%v\n%v", described, served)
	}
	if len(served) < 50 {
		t.Errorf("only %d operations", len(served))
	}
}

// Every reference leads somewhere, every schema is of a kind that JSON Schema has, and every object says what it has.
func TestTheSchemasAreSound(t *testing.T) {
	t.Parallel()
	_, d, raw := describe(t)
	for _, m := range regexp.MustCompile(`"\$ref":"#/components/schemas/(\w+)"`).FindAllSubmatch(raw, -1) {
		if d.Components.Schemas[string(m[1])] == nil {
			t.Errorf("there is no schema %s", m[1])
		}
	}
	if strings.Contains(string(raw), `"$schema"`) {
		t.Error("a $schema member is described that no answer has")
	}
	types := []string{"object", "array", "string", "integer", "number", "boolean", "null"}
	var walk func(where string, v any)
	walk = func(where string, v any) {
		object, ok := v.(map[string]any)
		if !ok {
			return
		}
		var said []string
		switch kind := object["type"].(type) {
		case string:
			said = []string{kind}
		case []any:
			for _, k := range kind {
				said = append(said, text(k))
			}
		}
		for _, kind := range said {
			if !slices.Contains(types, kind) {
				t.Errorf("%s has the type %q", where, kind)
			}
		}
		properties, _ := object["properties"].(map[string]any)
		for name, property := range properties {
			walk(where+"."+name, property)
		}
		walk(where+"[]", object["items"])
		required, _ := object["required"].([]any)
		for _, name := range required {
			if properties[text(name)] == nil {
				t.Errorf("%s requires %v, which it does not have", where, name)
			}
		}
	}
	for name, schema := range d.Components.Schemas {
		walk(name, schema)
	}
}

// A person of the API has every field that the directory knows.
func TestPersonHasEveryField(t *testing.T) {
	t.Parallel()
	var names []string
	fields := reflect.TypeFor[native.PersonFields]()
	for i := range fields.NumField() {
		name, _, _ := strings.Cut(fields.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	wanted := muster.FieldNames()
	slices.Sort(names)
	slices.Sort(wanted)
	if !slices.Equal(names, wanted) {
		t.Errorf("the API has the fields\n%v\nthe directory has\n%v", names, wanted)
	}
}

// Everything that a person can have is shown, and shown as it was set.
func TestEveryFieldGoesInAndOut(t *testing.T) {
	each(t, config.Config{}, func(t *testing.T, s *server) {
		boss := s.must(http.StatusCreated, http.MethodPost, "/v1/people", `{"display_name": "Boss", "email": "boss@example.org"}`).object(t)
		full := map[string]any{
			"username": "ana", "email": "ana@example.org", "email_verified": true, "first_name": "Ana", "middle_name": "M", "last_name": "Souza", "display_name": "Ana S.",
			"initials": "AS", "nickname": "Nana", "suffix": "Jr", "birth_date": "2010-04-03", "gender": "f", "employee_id": "E1", "code": "C1", "source": "hr",
			"source_id": "1", "state": "suspended", "reason": "away", "absent": true, "mode": "rest", "locale": "pt-BR", "manager": boss["id"], "company": "Acme",
			"cost_center": "7", "department": "Sales", "employee_type": "intern", "job_title": "Clerk", "location": "Lyon", "description": "…", "hire_date": "2024-01-02",
			"alternate_email": "a@example.org", "recovery_email": "r@example.org", "phones": []any{map[string]any{"type": "work", "number": "+33123456789"}},
			"addresses":  []any{map[string]any{"type": "home", "street": "1 rue Haute", "locality": "Lyon", "postal_code": "69001", "country": "FR"}},
			"attributes": map[string]any{"class": "6A"}, "flags": map[string]any{"sudo": true},
		}
		for _, name := range muster.FieldNames() {
			if full[name] == nil {
				t.Errorf("this test forgets the field %s", name)
			}
		}
		body, err := json.Marshal(full)
		if err != nil {
			t.Fatal(err)
		}
		made := s.must(http.StatusCreated, http.MethodPost, "/v1/people", string(body)).object(t)
		for name, value := range full {
			if !reflect.DeepEqual(made[name], value) {
				t.Errorf("%s was set to %v and is %v", name, value, made[name])
			}
		}
	})
}
