package cli

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/musterid/muster"
)

type accountsCommand struct {
	remote
	List    accountsList    `cmd:"" help:"List accounts."`
	Show    accountsShow    `cmd:"" help:"Show an account, and what its target was told last."`
	Deliver accountsDeliver `cmd:"" help:"Bring an account up to date now, instead of when its turn comes."`
	Remind  accountsRemind  `cmd:"" help:"Have the mail by which its person activates an account sent once more."`
}

type accountsList struct {
	Target string `placeholder:"NAME" help:"Only on this target."`
	Person string `placeholder:"WHO" help:"Only of this person: a username, an e-mail address or an id."`
	State  string `placeholder:"STATE" help:"Only in this state: planned, delivered, pending, failed, conflict, unmanaged or released."`
	listFlags
}

var accountColumns = []string{"username", "target", "state", "activation", "id there", "trouble", "id"}

func (s *session) accountRow(a accountView) []string {
	trouble := ""
	switch {
	case a.Error != nil:
		trouble = s.fault(a.Error)
	case a.Activation.Error != nil:
		trouble = s.fault(a.Activation.Error)
	}
	return []string{a.Username, a.TargetName, s.t.Text(a.State), a.activation(s), a.ExternalID, trouble, a.ID}
}

func (c *accountsList) Run(s *session) error {
	queries, err := c.queries(s)
	if err != nil {
		return err
	}
	return listings(s, "/v1/accounts", queries, c.most(s), append([]string(nil), accountColumns...), s.accountRow)
}

// queries are what to ask for: the API lists the accounts of one target or of one person, so that all of them are those of target after target.
func (c *accountsList) queries(s *session) ([]url.Values, error) {
	one := values("state", c.State)
	if c.Person != "" {
		id, err := s.personID(c.Person)
		if err != nil {
			return nil, err
		}
		one.Set("person", id)
	}
	if c.Target != "" {
		id, err := s.targetID(c.Target)
		if err != nil {
			return nil, err
		}
		one.Set("target", id)
	}
	if c.Person != "" || c.Target != "" {
		return []url.Values{one}, nil
	}
	server, err := s.connect()
	if err != nil {
		return nil, err
	}
	var all []url.Values
	_, err = server.Each(s.ctx, "/v1/targets", nil, 0, func(raw json.RawMessage) error {
		t, err := as[targetView](raw)
		all = append(all, values("state", c.State, "target", t.ID))
		return err
	})
	return all, err
}

// printAccounts prints somebody's accounts below them.
func (s *session) printAccounts(list []accountView) {
	if len(list) == 0 {
		s.printf("No accounts.")
		return
	}
	s.printf("")
	header := make([]string, len(accountColumns))
	for i, name := range accountColumns {
		header[i] = s.t.Text(name)
	}
	t := newTable(s.out, header...)
	for _, a := range list {
		t.row(s.accountRow(a)...)
	}
	_ = t.flush() // what cannot be written to the terminal cannot be told there
}

type accountsShow struct {
	ID string `arg:"" placeholder:"ID" help:"The account's id."`
}

func (c *accountsShow) Run(s *session) error {
	raw, err := s.get(escaped("accounts", c.ID), nil)
	return answer(s, raw, err, s.printFacts)
}

// printFacts prints everything an answer has.
func (s *session) printFacts(all map[string]any) { facts(s.out, "", flat("", all)...) }

type accountsDeliver struct {
	ID string `arg:"" placeholder:"ID" help:"The account's id."`
}

func (c *accountsDeliver) Run(s *session) error {
	raw, err := s.call(http.MethodPost, escaped("accounts", c.ID, "deliver"), nil, nil)
	return answer(s, raw, err, func(a accountView) { s.printf("%s on %s: %s", a.Username, a.TargetName, s.t.Text(a.State)) })
}

type accountsRemind struct {
	ID string `arg:"" placeholder:"ID" help:"The account's id."`
}

func (c *accountsRemind) Run(s *session) error {
	raw, err := s.call(http.MethodPost, escaped("accounts", c.ID, "remind"), nil, nil)
	return answer(s, raw, err, func(a accountView) { s.printf("%s on %s: %s", a.Username, a.TargetName, a.activation(s)) })
}

// activation says how far the person has come in making an account theirs; "" when nobody is mailed.
func (a accountView) activation(s *session) string {
	switch a.Activation.State {
	case "", string(muster.NoActivation):
		return ""
	case string(muster.ActivationOwed):
		return s.t.Text("mail is owed")
	case string(muster.ActivationSent):
		return s.t.Text("mail is sent")
	case string(muster.ActivationPending):
		return s.t.Text("not activated yet")
	case string(muster.ActivationDone):
		return s.t.Text("activated")
	case string(muster.ActivationExpired):
		return s.t.Text("mail is too old")
	}
	return s.t.Text("mail was refused")
}
