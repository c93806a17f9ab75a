package cli

import (
	"encoding/json"
	"fmt"

	"github.com/musterid/muster"
)

// The parts of the API's answers that are shown to people. --json shows the answers as they came.

type batchView struct {
	ID        string            `json:"id"`
	Kind      muster.BatchKind  `json:"kind"`
	Name      string            `json:"name"`
	State     muster.BatchState `json:"state"`
	Message   string            `json:"message"`
	Total     int64             `json:"total"`
	Counts    countsView        `json:"counts"`
	Plan      planView          `json:"plan"`
	Columns   []columnView      `json:"columns"`
	Notes     muster.Errors     `json:"notes"`
	Percent   int64             `json:"percent"`
	ETA       int               `json:"eta_seconds"`
	Provision *batchView        `json:"provision"`
	CreatedAt string            `json:"created_at"`
}

type countsView struct {
	Done      int64 `json:"done"`
	Failed    int64 `json:"failed"`
	Skipped   int64 `json:"skipped"`
	Pending   int64 `json:"pending"`
	Created   int64 `json:"created"`
	Updated   int64 `json:"updated"`
	Unchanged int64 `json:"unchanged"`
	Warnings  int64 `json:"warnings"`
}

type planView struct {
	Create    int64  `json:"create"`
	Update    int64  `json:"update"`
	Unchanged int64  `json:"unchanged"`
	Disables  int64  `json:"disables"`
	Renames   int64  `json:"renames"`
	Hold      string `json:"hold"`
}

type columnView struct {
	Header string `json:"header"`
	Field  string `json:"field"`
}

type itemView struct {
	Index    int              `json:"index"`
	Row      int              `json:"row"`
	State    muster.ItemState `json:"state"`
	Username string           `json:"username"`
	Name     string           `json:"name"`
	Label    string           `json:"label"`
	Target   string           `json:"target"`
	Change   muster.Change    `json:"change"`
	Reasons  muster.Errors    `json:"reasons"`
}

type personView struct {
	ID          string `json:"id"`
	Username    string `json:"username"`
	Email       string `json:"email"`
	FirstName   string `json:"first_name"`
	LastName    string `json:"last_name"`
	DisplayName string `json:"display_name"`
	State       string `json:"state"`
}

func (p personView) shown() string {
	return muster.Person{DisplayName: p.DisplayName, FirstName: p.FirstName, LastName: p.LastName, Username: p.Username, Email: p.Email}.Shown()
}

// as decodes an answer into what is shown of it.
func as[T any](raw json.RawMessage) (T, error) {
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, fmt.Errorf("the server's answer has another form than this program knows; are both of one version? (%w)", err)
	}
	return v, nil
}

// done counts items that are final.
func (c countsView) final() int64 { return c.Done + c.Failed + c.Skipped }

// forecast says whether the item's username may still turn out otherwise.
func (i itemView) forecast() bool {
	for _, f := range i.Change.Fields {
		if f.Field == "username" {
			return f.Forecast
		}
	}
	return false
}

type accountView struct {
	ID         string        `json:"id"`
	Person     string        `json:"person"`
	TargetName string        `json:"target_name"`
	Username   string        `json:"username"`
	ExternalID string        `json:"external_id"`
	State      string        `json:"state"`
	Error      *muster.Error `json:"error"`
	Activation struct {
		State     string        `json:"state"`
		SentAt    string        `json:"sent_at"`
		ExpiresAt string        `json:"expires_at"`
		Error     *muster.Error `json:"error"`
	} `json:"activation"`
}

type targetView struct {
	ID      string         `json:"id"`
	Name    string         `json:"name"`
	Kind    string         `json:"kind"`
	Paused  bool           `json:"paused"`
	Message string         `json:"message"`
	Config  map[string]any `json:"config"`
	Policy  map[string]any `json:"policy"`
}

// placesView is where somebody belongs.
type placesView struct {
	Units []struct {
		Unit  string `json:"unit"`
		Title string `json:"title"`
		Roles []struct {
			Role      string `json:"role"`
			Secondary string `json:"secondary"`
		} `json:"roles"`
	} `json:"units"`
	Groups []struct {
		Code  string `json:"code"`
		Label string `json:"label"`
		Title string `json:"title"`
	} `json:"groups"`
}

type historyView struct {
	At      string        `json:"at"`
	Actor   string        `json:"actor"`
	Surface string        `json:"surface"`
	Action  string        `json:"action"`
	Target  string        `json:"target"`
	Change  muster.Change `json:"change"`
	Batch   *struct {
		Name    string           `json:"name"`
		Index   int              `json:"index"`
		Row     int              `json:"row"`
		State   muster.ItemState `json:"state"`
		Reasons muster.Errors    `json:"reasons"`
	} `json:"batch"`
}

type unitView struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	Code   string `json:"code"`
	Name   string `json:"name"`
	Parent string `json:"parent"`
	Closed bool   `json:"closed"`
}

type groupView struct {
	ID    string `json:"id"`
	Code  string `json:"code"`
	Label string `json:"label"`
}

type keyView struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Prefix      string `json:"prefix"`
	Scope       string `json:"scope"`
	Key         string `json:"key"`
	Application string `json:"application"`
	ExpiresAt   string `json:"expires_at"`
	LastUsedAt  string `json:"last_used_at"`
	CreatedAt   string `json:"created_at"`
}

type tenantView struct {
	ID        string `json:"id"`
	Code      string `json:"code"`
	Name      string `json:"name"`
	CreatedAt string `json:"created_at"`
}

type meView struct {
	Name   string     `json:"name"`
	Tenant tenantView `json:"tenant"`
}

// login is the person's username, marked while it may turn out otherwise.
func (i itemView) login(mark string) string {
	if i.forecast() {
		return i.Username + " (" + mark + ")"
	}
	return i.Username
}
