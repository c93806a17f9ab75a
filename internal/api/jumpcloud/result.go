package jumpcloud

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/roster"
)

// How many results a page has (contract §4.1).
const (
	defaultPage = 10
	largestPage = 100
)

// workResult is JobWorkresult (contract §4.2). Clients of 2019 see nothing of it but Meta, so that Meta has everything.
type workResult struct {
	ID              string         `json:"id"`
	Status          string         `json:"status"`
	StatusMsg       string         `json:"statusMsg"`
	CreatedAt       string         `json:"createdAt"`
	UpdatedAt       string         `json:"updatedAt"`
	PersistedFields map[string]any `json:"persistedFields"`
	Meta            rowMeta        `json:"meta"`
}

type rowMeta struct {
	Index        int      `json:"index"`
	Operation    string   `json:"operation"`
	Status       string   `json:"status"`
	StatusMsg    string   `json:"statusMsg"`
	SystemuserID *string  `json:"systemuserId"`
	Email        *string  `json:"email"`
	Username     *string  `json:"username"`
	Changed      []string `json:"changed"`
	Errors       []fault  `json:"errors"`
	Warnings     []fault  `json:"warnings"`
}

// fault is one error or warning of a row.
type fault struct {
	Field   string `json:"field"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// results gives a page of a job's rows in the order of its body, from the moment it was accepted (contract §4).
func (s *surface) results(q *request) (any, error) {
	limit, err := q.number("limit", defaultPage, 1)
	if err != nil {
		return nil, err
	}
	skip, err := q.number("skip", 0, 0)
	if err != nil {
		return nil, err
	}
	b, o, err := s.findJob(q)
	if err != nil {
		return nil, err
	}
	items, total, err := s.Batches.Page(q.ctx, q.caller, b, nil, skip, min(limit, largestPage))
	if err != nil {
		return nil, err
	}
	p := page{s: s, q: q, batch: b, mode: modeOf(&o), items: items}
	if err := p.load(); err != nil {
		return nil, err
	}
	q.w.Header().Set("X-Total-Count", strconv.Itoa(total))
	list := make([]workResult, len(items))
	for n := range items {
		list[n] = p.result(n)
	}
	return list, nil
}

// number reads a whole number of the query. An empty value is the default (contract §4.1).
func (q *request) number(name string, otherwise, least int) (int, error) {
	text := q.r.URL.Query().Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil && len(text) > 18 && isDigits(text) {
		n, err = 1<<31, nil // more than there is of anything
	}
	if err != nil || n < int64(least) {
		return 0, badRequest(name, "invalid", name+" is a whole number of at least "+strconv.Itoa(least)+".")
	}
	return int(min(n, 1<<31)), nil
}

func isDigits(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

// page is a page of items with what is shown beside them.
type page struct {
	s      *surface
	q      *request
	batch  batch.Batch
	mode   *mode
	items  []muster.Item
	given  []identifying   // of each item
	passed []muster.Errors // warnings of each item that failed, which keeps its errors alone
	of     []int64         // whom each item is about; 0 is nobody
	people map[int64]roster.Person
}

// identifying is what names the user of a row.
type identifying struct {
	Email    any `json:"email"`
	Username any `json:"username"`
	Employee any `json:"employeeIdentifier"`
	ID       any `json:"id"`
	Alias    any `json:"_id"`
}

// user is whom a row of an update names; "" when it names nobody.
func (g *identifying) user() string {
	named := map[string]any{}
	for name, v := range map[string]any{"id": g.ID, "_id": g.Alias} {
		if v != nil {
			named[name] = v
		}
	}
	id, _ := rowID(named)
	return id
}

// load reads the rows as they were submitted, and the people that came of them. Rows are kept for a while only; then they are not shown.
func (p *page) load() error {
	p.given, p.passed = make([]identifying, len(p.items)), make([]muster.Errors, len(p.items))
	if len(p.items) == 0 {
		return nil
	}
	first, last := p.items[0].Index, p.items[len(p.items)-1].Index
	rows, err := p.s.Batches.Rows(p.q.ctx, p.q.caller, p.batch, first, last-first+1)
	if err != nil {
		return err
	}
	p.of = make([]int64, len(p.items))
	var seqs []int64
	for n, item := range p.items {
		if at := item.Index - first; at < len(rows) {
			_ = json.Unmarshal(rows[at].JSON, &p.given[n]) // a row that cannot be read has failed, and says so
			if item.State == muster.FailedItem {
				p.passed[n] = slices.Concat(rows[at].Warnings, object(p.mode, rows[at].JSON, rows[at].Secret).Warnings)
			}
		}
		if p.of[n] = item.Person; p.of[n] == 0 && p.mode.Operation == updateMode {
			p.of[n], _, _ = muster.ParseHexID(p.given[n].user())
		}
		if p.of[n] != 0 {
			seqs = append(seqs, p.of[n])
		}
	}
	p.people, err = p.s.Roster.BySeq(p.q.ctx, p.q.caller, seqs)
	return err
}

func (p *page) result(n int) workResult {
	item, given := p.items[n], p.given[n]
	r := workResult{
		ID: resultID(item, p.batch.CreatedAt), Status: rowStatus(item.State), CreatedAt: moment(p.batch.CreatedAt),
		UpdatedAt: moment(p.batch.CreatedAt), PersistedFields: map[string]any{},
		Meta: rowMeta{Index: item.Index, Operation: p.mode.Operation, Changed: []string{}, Errors: []fault{}, Warnings: []fault{}},
	}
	if item.State.Final() {
		r.UpdatedAt = moment(item.At)
	}
	for name, v := range map[string]any{"email": given.Email, "username": given.Username, "employeeIdentifier": given.Employee} {
		if v != nil {
			r.PersistedFields[name] = v
		}
	}
	id := given.ID
	if id == nil {
		id = given.Alias
	}
	if p.mode.Operation == updateMode && id != nil {
		r.PersistedFields["id"] = id
	}
	p.fill(&r, n)
	r.Meta.Status, r.Meta.StatusMsg = r.Status, r.StatusMsg
	return r
}

// fill tells what became of the row.
func (p *page) fill(r *workResult, n int) {
	item, given := p.items[n], p.given[n]
	r.Meta.Email, r.Meta.Username = textOrNil(given.Email), textOrNil(given.Username)
	person, known := p.people[p.of[n]]
	known = known && (item.Person != 0 || person.State != muster.Deleted && given.user() == userID(person.ID))
	if known && p.mode.Operation == updateMode {
		if given.Email == nil {
			r.Meta.Email = textOrNil(person.Email)
		}
		if given.Username == nil {
			r.Meta.Username = textOrNil(person.Username)
		}
	}
	switch item.State {
	case muster.DoneItem:
		r.Meta.Warnings = faultsOf(item.Reasons, "")
		if known {
			id := userID(person.ID)
			r.Meta.SystemuserID = &id
		}
		if p.mode.Operation == updateMode {
			r.Meta.Changed = changedOf(item.Change)
		}
	case muster.FailedItem:
		r.Meta.Errors, r.StatusMsg = faultsOf(item.Reasons, ""), line(item.Reasons)
		r.Meta.Warnings = faultsOf(p.passed[n], "")
	case muster.SkippedItem: // the job was given up before this row's turn (contract §5)
		r.Meta.Errors, r.StatusMsg = faultsOf(item.Reasons, muster.Internal), line(item.Reasons)
	}
}

// rowStatus is one of the three words there are: clients take any other one for an end (contract §4.2).
func rowStatus(s muster.ItemState) string {
	switch s {
	case muster.DoneItem:
		return "finished"
	case muster.FailedItem, muster.SkippedItem:
		return "failed"
	}
	return "pending"
}

// faultsOf puts the reasons of an item into this surface's words. A code takes the place of all.
func faultsOf(reasons muster.Errors, code muster.Code) []fault {
	list := make([]fault, len(reasons))
	for i, e := range reasons {
		list[i] = fault{Field: placeOf(e.Field), Code: codeOf(e.Code), Message: inHex(e.Message)}
		if code != "" {
			list[i].Code = codeOf(code)
		}
	}
	return list
}

func textOrNil(v any) *string {
	if s, ok := v.(string); ok && s != "" {
		return &s
	}
	return nil
}
