package cli

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/cli/client"
)

type doctorCommand struct{ remote }

// finding is the outcome of one look.
type finding struct {
	What   string `json:"what"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// Run looks at one thing after the other, and goes on where a later look can still tell something.
func (c *doctorCommand) Run(s *session) error {
	server, err := s.connect()
	if err != nil {
		return err
	}
	findings := s.examine(server)
	sound := true
	t := newTable(s.out, s.t.Text("what"), s.t.Text("is"), s.t.Text("detail"))
	for _, f := range findings {
		sound = sound && f.OK
		if s.JSON {
			raw, err := json.Marshal(f)
			if err == nil {
				err = s.printJSON(raw)
			}
			if err != nil {
				return err
			}
			continue
		}
		word := "ok"
		if !f.OK {
			word = "WRONG"
		}
		t.row(s.t.Text(f.What), s.t.Text(word), f.Detail)
	}
	if !s.JSON {
		if err := t.flush(); err != nil {
			return err
		}
	}
	if !sound {
		return &exit{code: ExitFailed}
	}
	return nil
}

func (s *session) examine(server *client.Client) []finding {
	_, err := client.Get[json.RawMessage](s.ctx, server, "/healthz", nil)
	var unreachable *client.Unreachable
	reached := finding{What: "server", OK: err == nil, Detail: s.URL}
	if err != nil {
		reached.Detail = s.said(err)
	}
	if errors.As(err, &unreachable) {
		reached.Detail += " " + s.t.Text("Start one with: muster serve. Is it elsewhere? Say where with --url or MUSTER_URL.")
		return []finding{reached}
	}
	return append([]finding{reached}, s.examineReady(server), s.examineKey(server), s.examineTargets(server))
}

func (s *session) examineReady(server *client.Client) finding {
	f := finding{What: "readiness", Detail: s.t.Text("The database answers, its version is right, and workers are alive.")}
	if _, err := client.Get[json.RawMessage](s.ctx, server, "/readyz", nil); err != nil {
		f.Detail = s.said(err)
		return f
	}
	f.OK = true
	return f
}

func (s *session) examineKey(server *client.Client) finding {
	f := finding{What: "key"}
	raw, err := client.Get[json.RawMessage](s.ctx, server, "/v1/me", nil)
	var refused *client.Refused
	switch {
	case errors.As(err, &refused) && refused.Status == http.StatusUnauthorized:
		f.Detail = s.keyHint()
		return f
	case err != nil:
		f.Detail = s.said(err)
		return f
	}
	me, err := as[meView](raw)
	if err != nil {
		f.Detail = err.Error()
		return f
	}
	f.OK, f.Detail = true, s.t.Sprintf("%s, of tenant %s", me.Name, me.Tenant.Code)
	return f
}

// examineTargets tells of targets that are left alone at the moment. That is worth knowing and no fault of the server's.
func (s *session) examineTargets(server *client.Client) finding {
	f := finding{What: "targets", OK: true}
	n, troubled := 0, ""
	_, err := server.Each(s.ctx, "/v1/targets", nil, 0, func(raw json.RawMessage) error {
		t, err := as[targetView](raw)
		n++
		if t.Message != "" {
			troubled += " " + s.t.Sprintf("%s: %s", t.Name, t.Message)
		}
		return err
	})
	if err != nil {
		f.OK, f.Detail = false, s.said(err)
		return f
	}
	f.Detail = s.t.Sprintf("%d targets.", n) + troubled
	return f
}

// said is an error in one sentence.
func (s *session) said(err error) string {
	var fault *muster.Error
	if errors.As(err, &fault) {
		return s.fault(fault)
	}
	return err.Error()
}
