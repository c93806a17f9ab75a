package provision_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/rehearsal"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/queue"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// yard is a directory with the delivery of accounts at work, and targets that the test looks into and holds up.
type yard struct {
	t         *testing.T
	store     *store.Store
	clock     *storetest.Clock // nil: the real one
	roster    *roster.Roster
	provision *provision.Provision
	caller    muster.Caller
	log       *safeBuffer
	key       secret.Key
	post      post   // where Muster's own mail is handed in
	stop      func() // ends the process that was started last
}

type safeBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// eachYard runs a test on both engines, with a clock that only the test moves: what waits for a later time waits for the test.
func eachYard(t *testing.T, f func(y *yard)) {
	t.Helper()
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		y := open(t, st)
		y.clock = clock
		f(y)
	})
}

func open(t *testing.T, st *store.Store) *yard {
	t.Helper()
	y := &yard{t: t, store: st, log: &safeBuffer{}, key: secret.NewKey()}
	y.caller = muster.Caller{Tenant: storetest.Tenant, Name: "key:test", Surface: "native", Grants: muster.AdminScope.Grants()}
	y.provision, y.roster = y.node(st)
	return y
}

// node is one process at work until the test ends.
func (y *yard) node(st *store.Store) (*provision.Provision, *roster.Roster) {
	y.t.Helper()
	log := slog.New(slog.NewTextHandler(y.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o := queue.Options{Engine: string(st.Engine()), DSN: st.DSN(), Log: log, Workers: map[string]int{provision.FollowLane: 2, provision.DeliverLane: 4, mailLane: 1}}
	if st.Engine() == store.SQLite {
		o.Writer = st.Handle()
	}
	q, err := queue.Open(y.t.Context(), o)
	if err != nil {
		y.t.Fatal(err)
	}
	r := roster.New(st, q)
	q.Handle(provision.ActivationJob, mailLane, y.post.take)
	kinds := []connector.Kind{marked, unmarked, reaching, likeKeycloak, mailing, locking}
	p := provision.New(provision.Options{Store: st, Queue: q, Roster: r, Key: y.key, Kinds: kinds, Log: log, CanMail: !y.post.closed})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	y.stop = sync.OnceFunc(func() {
		stop()
		if err := errors.Join(<-ended, p.Close(), q.Close()); err != nil {
			y.t.Errorf("stop: %v", err)
		}
	})
	y.t.Cleanup(y.stop)
	return p, r
}

// spy is a target that writes down what it is asked, over a rehearsal server.
type spy struct {
	*rehearsal.Server
	view provision.TargetView

	mu    sync.Mutex
	calls []call
	hook  func(ctx context.Context, what, username string) error // before a call; an error is its answer
	after func(what, username string, a *connector.Account)
}

type call struct {
	at             time.Time
	what, username string
}

var spies sync.Map // instance -> *spy

type spyConfig struct {
	Instance string `json:"instance" label:"Instance"`
	Password string `json:"password" label:"Password" secret:"true"`
}

// marked is a kind that leaves a marker, unmarked one that cannot.
var (
	marked   = spyKind("marked", connector.Powers{Marker: true, Rename: true, Groups: true})
	unmarked = spyKind("unmarked", connector.Powers{Rename: true})
)

func spyKind(name string, powers connector.Powers) connector.Kind {
	return connector.Kind{
		Name: name, Label: name, Config: func() any { return &spyConfig{} }, Powers: powers,
		Open: func(_ context.Context, config any, _ connector.Environment) (connector.Connector, error) {
			s, _ := spies.Load(config.(*spyConfig).Instance)
			return &spied{spy: s.(*spy), real: s.(*spy).Connector(), marker: powers.Marker}, nil
		},
	}
}

type spied struct {
	spy    *spy
	real   connector.Connector
	marker bool
}

func (c *spied) Check(ctx context.Context) error {
	if err := c.spy.note(ctx, "check", ""); err != nil {
		return err
	}
	return c.real.Check(ctx)
}

func (c *spied) Find(ctx context.Context, q connector.Query) (connector.Account, error) {
	if err := c.spy.note(ctx, "find", q.Username); err != nil {
		return connector.Account{}, err
	}
	if !c.marker {
		q.Marker = ""
	}
	a, err := c.real.Find(ctx, q)
	if !c.marker {
		a.Marker = ""
	}
	return a, err
}

func (c *spied) Apply(ctx context.Context, s connector.Step) (connector.Account, error) {
	what := string(s.Intent)
	if s.Change.Disables() {
		what = "disable"
	}
	if err := c.spy.note(ctx, what, s.Username); err != nil {
		return connector.Account{}, err
	}
	if !c.marker {
		s.Marker = ""
	}
	a, err := c.real.Apply(ctx, s)
	c.spy.mu.Lock()
	after := c.spy.after
	c.spy.mu.Unlock()
	if after != nil {
		after(what, s.Username, &a)
	}
	return a, err
}

func (c *spied) Close() error { return nil }

func (s *spy) note(ctx context.Context, what, username string) error {
	s.mu.Lock()
	s.calls = append(s.calls, call{time.Now(), what, username})
	hook := s.hook
	s.mu.Unlock()
	if hook == nil {
		return nil
	}
	return hook(ctx, what, username)
}

func (s *spy) when(hook func(ctx context.Context, what, username string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = hook
}

// hold holds up the calls of one kind, of one username or of all, until open is called. reached waits for such a call.
func (s *spy) hold(t *testing.T, what, username string) (reached, open func()) {
	at, gate := make(chan struct{}, 100), make(chan struct{})
	s.when(func(ctx context.Context, did, of string) error {
		if did != what || username != "" && of != username {
			return nil
		}
		at <- struct{}{}
		select {
		case <-gate:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return func() { t.Helper(); storetest.Await(t, at, "a "+what+" at the target") }, func() { close(gate) }
}

func (s *spy) heard(what string) (list []call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if what == "" || c.what == what {
			list = append(list, c)
		}
	}
	return list
}

// account gives the account of a username at the target.
func (s *spy) account(username string) (connector.Account, bool) {
	for _, a := range s.Accounts() {
		if a.Username == username {
			return a, true
		}
	}
	return connector.Account{}, false
}

// remove deletes an account as somebody at the target would.
func (s *spy) remove(t *testing.T, username string) {
	t.Helper()
	a, ok := s.account(username)
	if !ok {
		t.Fatalf("there is no account %q", username)
	}
	_, err := s.Connector().Apply(context.Background(), connector.Step{Intent: connector.Ensure, ExternalID: a.ExternalID, Change: muster.Diff(muster.Record{}, nil)})
	if err != nil {
		t.Fatal(err)
	}
}

// aim makes a target of a kind.
func (y *yard) aim(kind connector.Kind, policy string) *spy {
	y.t.Helper()
	s := &spy{Server: rehearsal.NewServer()}
	name := uuid.NewString()
	spies.Store(name, s)
	y.t.Cleanup(func() { spies.Delete(name) })
	config, _ := json.Marshal(map[string]string{"instance": name, "password": canary})
	var err error
	s.view, err = y.provision.CreateTarget(y.t.Context(), y.caller, provision.NewTarget{Name: name, Kind: kind.Name, Config: config, Policy: json.RawMessage(policy)})
	if err != nil {
		y.t.Fatal(err)
	}
	return s
}

const canary = "Zq7-canary-Xw3-9f"

// enrol makes people from "field=value field=value" texts.
func (y *yard) enrol(texts ...string) []store.PersonRow {
	y.t.Helper()
	drafts := make([]muster.Draft, len(texts))
	for i, text := range texts {
		drafts[i] = draft(text)
	}
	results, err := y.roster.Enrol(y.t.Context(), y.caller, true, drafts)
	if err != nil {
		y.t.Fatal(err)
	}
	people := make([]store.PersonRow, len(results))
	for i, r := range results {
		if r.Err != nil {
			y.t.Fatal(r.Err)
		}
		people[i] = r.Person
	}
	return people
}

func draft(text string) muster.Draft {
	d := muster.Draft{}
	for _, pair := range strings.Fields(text) {
		field, value, _ := strings.Cut(pair, "=")
		d[field] = value
	}
	return d
}

func (y *yard) change(p store.PersonRow, text string) store.PersonRow {
	y.t.Helper()
	results, err := y.roster.Change(y.t.Context(), y.caller, []roster.Wish{{Person: p.ID, Draft: draft(text)}})
	if err != nil || results[0].Err != nil {
		y.t.Fatal(err, results)
	}
	return results[0].Person
}

// until waits for something to become so, while what is due is delivered.
func (y *yard) until(what string, so func() bool) {
	y.t.Helper()
	deadline, tick := time.NewTimer(storetest.Patience), time.NewTicker(4*time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for !so() {
		if err := y.provision.Sweep(y.t.Context()); err != nil {
			y.t.Fatal(err)
		}
		select {
		case <-deadline.C:
			y.t.Fatalf("%s: not so after %s; %+v", what, storetest.Patience, y.batches())
		case <-tick.C:
		}
	}
}

// quiet waits until every change has been followed and every provision batch is through.
func (y *yard) quiet() {
	y.t.Helper()
	y.until("all is delivered", func() bool {
		return y.followed() && !slices.ContainsFunc(y.batches(), func(b store.BatchRow) bool { return !b.State.Final() })
	})
	y.audit()
}

// followed says that no job waits to look at somebody's accounts.
func (y *yard) followed() bool {
	var n int
	query := "SELECT count(*) FROM river_job WHERE kind = 'accounts' AND state NOT IN ('completed', 'cancelled', 'discarded')"
	if err := y.store.Handle().QueryRowContext(y.t.Context(), query).Scan(&n); err != nil {
		y.t.Fatal(err)
	}
	return n == 0
}

func (y *yard) batches() (list []store.BatchRow) {
	y.t.Helper()
	err := y.store.View(y.t.Context(), y.caller.Tenant, func(tx *store.Tx) (err error) {
		list, err = tx.Batches(muster.ProvisionBatch, "", 0, 1000)
		return err
	})
	if err != nil {
		y.t.Fatal(err)
	}
	return list
}

func (y *yard) items(b store.BatchRow) (list []muster.Item) {
	y.t.Helper()
	err := y.store.View(y.t.Context(), y.caller.Tenant, func(tx *store.Tx) (err error) {
		list, err = tx.Items(b.Seq, "", 0, 10_000)
		return err
	})
	if err != nil {
		y.t.Fatal(err)
	}
	return list
}

// audit holds the counts of every provision batch to its items.
func (y *yard) audit() {
	y.t.Helper()
	for _, b := range y.batches() {
		var c muster.Counts
		for _, item := range y.items(b) {
			switch item.State {
			case muster.DoneItem:
				c.Done++
			case muster.FailedItem:
				c.Failed++
			case muster.SkippedItem:
				c.Skipped++
			}
		}
		if c.Done != b.Counts.Done || c.Failed != b.Counts.Failed || c.Skipped != b.Counts.Skipped || b.Counts.Created+b.Counts.Updated+b.Counts.Unchanged != c.Done {
			y.t.Errorf("batch %d: counts %+v, items %+v", b.Seq, b.Counts, c)
		}
	}
}

// failures lists why items of provision batches failed.
func (y *yard) failures() (list []string) {
	y.t.Helper()
	for _, b := range y.batches() {
		for _, item := range y.items(b) {
			if item.State == muster.FailedItem || item.State == muster.SkippedItem {
				list = append(list, item.Reasons.Error())
			}
		}
	}
	return list
}

func (y *yard) target(s *spy) provision.TargetView {
	y.t.Helper()
	v, err := y.provision.Target(y.t.Context(), y.caller, s.view.ID)
	if err != nil {
		y.t.Fatal(err)
	}
	return v
}

func (y *yard) pause(s *spy, paused bool) {
	y.t.Helper()
	if _, err := y.provision.ChangeTarget(y.t.Context(), y.caller, s.view.ID, provision.TargetChange{Paused: &paused}); err != nil {
		y.t.Fatal(err)
	}
}

func (y *yard) person(p store.PersonRow) store.PersonRow {
	y.t.Helper()
	now, err := y.roster.Person(y.t.Context(), y.caller, p.ID)
	if err != nil {
		y.t.Fatal(err)
	}
	return now
}
