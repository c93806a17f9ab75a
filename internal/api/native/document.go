package native

import (
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

const introduction = `Everything Muster can do: the directory of people, units and groups; batches that bring many people in; targets, and the accounts on them.

Send an API key, or a token of an issuer that the tenant trusts, with each request: ` + "`Authorization: Bearer muster_…`" + `. People may send their login and
password as ` + "`Authorization: Basic …`" + `, where the login is a username or an e-mail address, after ` + "`TENANT/`" + ` where there are several tenants. Ids are UUIDs. Times are RFC 3339 in UTC.

**Errors** are ` + "`application/problem+json`" + ` (RFC 9457) with a ` + "`code`" + ` that programs can rely on and every fault in ` + "`errors`" + `, each naming its field.
400 is a request that cannot be read, 422 one that is read and cannot be accepted. An id of another tenant answers like one that does not exist.

**Lists** answer ` + "`{\"items\": […], \"next_cursor\": \"…\"}`" + `: ask again with ` + "`cursor`" + ` and the same filters until it is null.

**Changing what others may change too**: read the object, send its ` + "`ETag`" + ` back as ` + "`If-Match`" + `; 412 says that it moved on. PATCH takes a JSON merge
patch (RFC 7396): what is absent stays, null clears. Writing back what was read changes nothing.

**Sending again**: a POST with an ` + "`Idempotency-Key`" + ` may be repeated for 24 hours and is carried out once; the repeat gets the first answer, with
` + "`Idempotency-Replayed: true`" + `. For an upload the content is compared too.

**Tenants**: whoever looks after several says which one with the header ` + "`Muster-Tenant: code`" + `.`

var tags = []*huma.Tag{
	{Name: "people", Description: "The people of the directory: enrolling, changing, retiring, restoring, deleting them, and what happened to them."},
	{Name: "units", Description: "The tenant's tree of units, and who belongs to them."},
	{Name: "groups", Description: "Flat sets of people, each with a code."},
	{Name: "batches", Description: "Many people at once, from a file or body: planned before anything is done, then run, with an outcome for every row."},
	{Name: "targets", Description: "The outside systems in which people get accounts."},
	{Name: "accounts", Description: "People's accounts on targets."},
	{Name: "keys", Description: "API keys of applications and people."},
	{Name: "tenants", Description: "Customers, who share nothing, and their settings."},
}

// document is the configuration of huma: OpenAPI 3.1, JSON only, nothing from elsewhere.
func document() huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: "Muster", Version: "1.0", Description: introduction},
			Tags:    tags,
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"key":      {Type: "http", Scheme: "bearer", Description: "An API key, as `muster keys create` makes it, or a token (JWT) of an OpenID Connect issuer that the tenant trusts."},
					"password": {Type: "http", Scheme: "basic", Description: "The login and password of somebody in the directory. Several tenants: `TENANT/LOGIN`."},
				},
			},
			Security: []map[string][]string{{"key": {}}, {"password": {}}},
		},
		Formats:                      map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
	}
}

func (s *surface) schemaOf(pointer any) *huma.Schema {
	return s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(pointer).Elem(), true, "")
}

// op describes an operation. Its tag is the first segment of the path.
func op(method, path, id, summary, description string, with ...func(*huma.Operation)) huma.Operation {
	tag, _, _ := strings.Cut(strings.TrimPrefix(path, "/v1/"), "/")
	switch tag {
	case "target-kinds":
		tag = "targets"
	case "usernames":
		tag = "people"
	case "me":
		tag = "keys"
	}
	o := huma.Operation{
		Method: method, Path: path, OperationID: id, Summary: summary, Description: description, Tags: []string{tag}, Responses: map[string]*huma.Response{},
		MaxBodyBytes: -1, BodyReadTimeout: -1, // guard.go has read the body by then
	}
	if method == http.MethodPost {
		o.Parameters = append(o.Parameters, &huma.Param{
			Name: repeatHeader, In: "header", Description: "Makes the request safe to send again: a repeat with the same key gets the first answer.",
			Schema: &huma.Schema{Type: "string", MaxLength: ptr(255)}, Example: "b1e0c0de-2f4c-4b8e-9f0a-3c6d1f5a7e21",
		})
	}
	for _, f := range with {
		f(&o)
	}
	return o
}

// creates is for operations that answer 201.
func creates(o *huma.Operation) { o.DefaultStatus = http.StatusCreated }

// free has the fields of the body checked by floor 2, which knows them, and not by the schema.
func free(o *huma.Operation) { o.SkipValidateBody = true }

func ptr[T any](v T) *T { return &v }
