package native

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
)

// Key is an API key. The key itself is shown only in the answer to its making.
type Key struct {
	ID          uuid.UUID       `json:"id" format:"uuid"`
	Name        string          `json:"name" example:"secretary"`
	Prefix      string          `json:"prefix" example:"muster_a1B2c3" doc:"Its first characters, to recognise it by."`
	Scope       muster.KeyScope `json:"scope" enum:"read,write,admin"`
	Key         string          `json:"key,omitempty" doc:"The key itself. It is not stored and cannot be shown again."`
	Application string          `json:"application,omitempty" doc:"The application that it belongs to."`
	Person      *uuid.UUID      `json:"person,omitempty" format:"uuid" doc:"The person that it belongs to."`
	Username    string          `json:"username,omitempty"`
	ExpiresAt   *time.Time      `json:"expires_at,omitempty"`
	LastUsedAt  *time.Time      `json:"last_used_at,omitempty" doc:"To the minute."`
	CreatedAt   time.Time       `json:"created_at"`
}

func keyView(k *access.KeyInfo) Key {
	v := Key{
		ID: k.ID, Name: k.Name, Prefix: k.Prefix, Scope: k.Scope, Application: k.ApplicationName, Username: k.Username, ExpiresAt: moment(k.ExpiresAt),
		LastUsedAt: moment(k.LastUsedAt), CreatedAt: k.CreatedAt,
	}
	if k.PersonID != uuid.Nil {
		v.Person = &k.PersonID
	}
	return v
}

func (s *surface) keys() {
	handle(s, op(http.MethodGet, "/v1/keys", "list-keys", "List API keys", "The keys of the tenant, the oldest first; also those that have expired."), s.listKeys)
	create := op(http.MethodPost, "/v1/keys", "create-key", "Make an API key",
		"Makes a key, of an application or a person, that may do no more than the caller. The answer shows it once; it is stored as a hash.", creates)
	create.Metadata = map[string]any{secretAnswer: true}
	handle(s, create, s.createKey)
	handle(s, op(http.MethodDelete, "/v1/keys/{key}", "revoke-key", "Revoke an API key", "Makes the key worthless at once. The last admin key of a tenant stays."), s.revokeKey)
	handle(s, op(http.MethodGet, "/v1/me", "get-me", "Who am I?", "The caller, and the tenant that they work in."), s.getMe)
}

func (s *surface) listKeys(ctx context.Context, caller muster.Caller, in *Paging) (*struct{ Body Page[Key] }, error) {
	at, err := in.open("keys")
	if err != nil {
		return nil, err
	}
	list, err := s.Access.Keys(ctx, caller, at.Seq, in.ask())
	if err != nil {
		return nil, err
	}
	return &struct{ Body Page[Key] }{*paged(*in, at, list, keyView, func(k *access.KeyInfo) (string, int64) { return "", k.Seq })}, nil
}

// KeyIn is a key to be made.
type KeyIn struct {
	Body struct {
		Name        string     `json:"name" required:"true" example:"secretary" doc:"What the key is for."`
		Scope       string     `json:"scope,omitempty" enum:"read,write,admin" default:"read"`
		Application string     `json:"application,omitempty" doc:"The application that it is for; made when there is none of the name. Default: one of the key's own name."`
		Person      string     `json:"person,omitempty" doc:"The id of the person that it is for, instead of an application."`
		ExpiresAt   *time.Time `json:"expires_at,omitempty" doc:"Default: never."`
	}
}

func (s *surface) createKey(ctx context.Context, caller muster.Caller, in *KeyIn) (*struct{ Body Key }, error) {
	b := in.Body
	n := access.NewKey{Name: b.Name, Scope: muster.KeyScope(b.Scope), Application: b.Application}
	if b.ExpiresAt != nil {
		n.ExpiresAt = *b.ExpiresAt
	}
	if b.Person != "" {
		id, err := idOf("person", b.Person)
		if err != nil {
			return nil, about("person", err)
		}
		n.Person = id
	}
	plain, key, err := s.Access.CreateKey(ctx, caller, n)
	if err != nil {
		return nil, about("person", err)
	}
	v := keyView(&key)
	v.Key = plain
	return &struct{ Body Key }{v}, nil
}

func (s *surface) revokeKey(ctx context.Context, caller muster.Caller, in *struct {
	Key string `path:"key" doc:"The key's id."`
},
) (*struct{}, error) {
	id, err := idOf("key", in.Key)
	if err != nil {
		return nil, err
	}
	return &struct{}{}, s.Access.RevokeKey(ctx, caller, id)
}

// Me is the caller.
type Me struct {
	Name       string             `json:"name" example:"key:secretary" doc:"What the record of changes calls the caller."`
	Privileges []muster.Privilege `json:"privileges" doc:"What the caller may do in the whole tenant."`
	Tenant     Tenant             `json:"tenant"`
}

func (s *surface) getMe(ctx context.Context, caller muster.Caller, _ *struct{}) (*struct{ Body Me }, error) {
	own, err := s.Access.Own(ctx, caller)
	if err != nil {
		return nil, err
	}
	me := Me{Name: caller.Name, Privileges: []muster.Privilege{}, Tenant: tenantView(&own)}
	for _, g := range caller.Grants {
		if g.Scope == muster.TenantScope {
			me.Privileges = append(me.Privileges, g.Privilege)
		}
	}
	return &struct{ Body Me }{me}, nil
}
