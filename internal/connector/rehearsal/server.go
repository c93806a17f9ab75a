package rehearsal

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// Server is one outside world: its accounts, and what it does to callers. It may be used from many goroutines.
type Server struct {
	mu       sync.Mutex
	faults   Faults
	from     *Faults // of the settings it was opened with last
	journal  *journal
	accounts map[string]connector.Account // by external id
	names    map[string]string            // folded username -> external id
	markers  map[string][]string          // marker -> external ids
	people   map[string]standing          // by external id
	mails    []Mail
	writes   Writes
	calls    int
	recent   []time.Time
	attempts map[string]int
}

// Writes counts what changed accounts, by anybody but Plant.
type Writes struct{ Create, Update, Rename, Delete int }

// Total is all of them.
func (w Writes) Total() int { return w.Create + w.Update + w.Rename + w.Delete }

// NewServer makes an empty server that only its maker knows.
func NewServer() *Server {
	return &Server{
		accounts: make(map[string]connector.Account), names: make(map[string]string),
		markers: make(map[string][]string), attempts: make(map[string]int), people: make(map[string]standing),
	}
}

var world = struct {
	sync.Mutex
	servers map[place]*Server
}{servers: make(map[place]*Server)}

// place is where a server is found: an instance of a tenant, or a journal file, which is the machine's.
type place struct {
	tenant         int64
	instance, path string
}

// Named gives the server that the setting instance of this name means in this process, for targets of the installation's own tenant.
func Named(instance string) *Server { return of(1, instance) }

// of gives the server that an instance of a tenant means.
func of(tenant int64, instance string) *Server {
	world.Lock()
	defer world.Unlock()
	key := place{tenant: max(tenant, 1), instance: instance}
	s := world.servers[key]
	if s == nil {
		s = NewServer()
		world.servers[key] = s
	}
	return s
}

// Opened gives the server that is kept in a journal file.
func Opened(path string) (*Server, error) {
	world.Lock()
	defer world.Unlock()
	key := place{path: path}
	if s := world.servers[key]; s != nil {
		return s, nil
	}
	j, err := openJournal(path)
	if err != nil {
		return nil, err
	}
	s := NewServer()
	s.journal = j
	err = s.lock()
	s.unlock()
	if err != nil {
		j.file.Close()
		return nil, muster.Errorf(muster.Invalid, "config.path", "The file is not the journal of a rehearsal target.").Because(err)
	}
	world.servers[key] = s
	return s, nil
}

// Faults gives the switches as they stand.
func (s *Server) Faults() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

// Set sets the switches.
func (s *Server) Set(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
}

// configure applies settings. The switches of settings that were applied before are not set again, so that what Set did meanwhile stays.
func (s *Server) configure(c *Config) error {
	s.mu.Lock()
	if s.from == nil || !sameFaults(*s.from, c.Faults) {
		f := c.Faults
		s.faults, s.from = f, &f
	}
	s.mu.Unlock()
	for _, name := range c.Strangers {
		if err := s.plantStranger(name); err != nil {
			return err
		}
	}
	return nil
}

func sameFaults(a, b Faults) bool {
	same := slices.Equal(a.Refuse, b.Refuse) && slices.Equal(a.RefuseMail, b.RefuseMail) && a.ActivateAfterSecs == b.ActivateAfterSecs &&
		a.LeastCharacters == b.LeastCharacters
	return same && a.LatencyMS == b.LatencyMS && a.Rate == b.Rate && a.LimitEvery == b.LimitEvery && a.Seed == b.Seed && a.Down == b.Down &&
		a.FailAfterCommitPercent == b.FailAfterCommitPercent && a.FailBeforeCommitPercent == b.FailBeforeCommitPercent && a.CutListAfter == b.CutListAfter
}

// Accounts gives all accounts, sorted by username.
func (s *Server) Accounts() []connector.Account {
	_ = s.lock() // what was read so far is shown
	defer s.unlock()
	list := make([]connector.Account, 0, len(s.accounts))
	for _, a := range s.accounts {
		list = append(list, clone(a))
	}
	slices.SortFunc(list, func(a, b connector.Account) int { return strings.Compare(a.Username, b.Username) })
	return list
}

// Account gives one account.
func (s *Server) Account(externalID string) (connector.Account, bool) {
	_ = s.lock()
	defer s.unlock()
	a, ok := s.accounts[externalID]
	return clone(a), ok
}

// Writes gives the counts; with a journal, since the journal began.
func (s *Server) Writes() Writes {
	_ = s.lock()
	defer s.unlock()
	return s.writes
}

// Calls counts the calls that came in, refused ones too.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// Plant puts an account there as somebody else would, under a new external id when it has none, in the place of one of the same id.
func (s *Server) Plant(a connector.Account) connector.Account {
	_ = s.lock()
	defer s.unlock()
	if a.ExternalID == "" {
		a.ExternalID = uuid.NewString()
	}
	_ = s.record(entry{Op: planted, Account: clone(a)})
	return a
}

func (s *Server) plantStranger(username string) error {
	err := s.lock()
	defer s.unlock()
	if err != nil || s.names[fold(username)] != "" {
		return err
	}
	return s.record(entry{Op: planted, Account: connector.Account{ExternalID: uuid.NewString(), Username: username, Enabled: true}})
}

func (s *Server) find(q connector.Query) (connector.Account, error) {
	err := s.lock()
	defer s.unlock()
	if err != nil {
		return connector.Account{}, err
	}
	id := q.ExternalID
	if id == "" && q.Marker != "" {
		ids := s.markers[q.Marker]
		if len(ids) > 1 {
			return connector.Account{}, connector.Permanent(muster.Errorf(muster.Conflict, "", "%d accounts of the rehearsal target carry the same marker.", len(ids)))
		}
		id = strings.Join(ids, "")
	}
	if id == "" && q.ExternalID == "" && q.Username != "" {
		id = s.names[fold(q.Username)]
	}
	a, ok := s.accounts[id]
	if !ok {
		return connector.Account{}, connector.ErrNotFound
	}
	return clone(a), nil
}

func (s *Server) apply(step connector.Step) (connector.Account, error) {
	err := s.lock()
	defer s.unlock()
	if err != nil {
		return connector.Account{}, err
	}
	if err := s.faults.refuses(step.Username); err != nil && step.Change.Action != muster.Delete {
		return connector.Account{}, err
	}
	if step.Intent == connector.Create {
		if s.names[fold(step.Username)] != "" {
			return connector.Account{}, connector.ErrExists
		}
		a := changed(connector.Account{ExternalID: uuid.NewString(), Username: step.Username, Enabled: true}, step)
		return clone(a), s.record(entry{Op: created, Account: a})
	}
	a, ok := s.accounts[step.ExternalID]
	switch {
	case step.Change.Action == muster.Delete:
		if !ok {
			return connector.Account{}, nil
		}
		return connector.Account{}, s.record(entry{Op: deleted, Account: connector.Account{ExternalID: a.ExternalID}})
	case !ok:
		return connector.Account{}, connector.ErrNotFound
	}
	return s.update(a, step)
}

func (s *Server) update(a connector.Account, step connector.Step) (connector.Account, error) {
	op := updated
	next := changed(clone(a), step)
	if _, rename := step.Change.Field("username"); rename && step.Username != a.Username {
		if holder := s.names[fold(step.Username)]; holder != "" && holder != a.ExternalID {
			return connector.Account{}, connector.ErrExists
		}
		op, next.Username = renamed, step.Username
	}
	if op == updated && equal(a, next) {
		return next, nil
	}
	return clone(next), s.record(entry{Op: op, Account: next})
}

func equal(a, b connector.Account) bool {
	return a.Marker == b.Marker && a.Enabled == b.Enabled && muster.Diff(a.Attributes, b.Attributes).Empty()
}

// changed gives an account with the fields of a step set; the username is the caller's matter.
func changed(a connector.Account, step connector.Step) connector.Account {
	if step.Marker != "" {
		a.Marker = step.Marker
	}
	if a.Attributes == nil {
		a.Attributes = make(muster.Record)
	}
	for _, f := range step.Change.Fields {
		switch {
		case f.Field == "username":
		case f.Field == "enabled":
			a.Enabled = f.After == true
		case f.Field == "groups":
			left := codes(f.Before)
			held := slices.DeleteFunc(codes(a.Attributes["groups"]), func(c string) bool { return slices.Contains(left, c) })
			a.Attributes["groups"] = codes(append(held, codes(f.After)...))
		case f.After == nil:
			delete(a.Attributes, f.Field)
		default:
			a.Attributes[f.Field] = f.After
		}
	}
	if len(codes(a.Attributes["groups"])) == 0 {
		delete(a.Attributes, "groups")
	}
	return a
}

func clone(a connector.Account) connector.Account {
	a.Attributes = maps.Clone(a.Attributes)
	return a
}

func fold(username string) string { return strings.ToLower(username) }
