package native

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/api"
)

// Paging is what every list takes.
type Paging struct {
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"1000" doc:"How many to give at most."`
	Cursor string `query:"cursor" doc:"next_cursor of the page before. The filters must be the same."`
}

// Page is one page of a list.
type Page[T any] struct {
	Items      []T     `json:"items" doc:"The page."`
	NextCursor *string `json:"next_cursor" doc:"What to ask the next page with; null on the last page."`
}

// position is what a cursor says: where the page before ended, and in which list.
type position struct {
	List string `json:"l"` // what the list is of: order and filters, as a digest
	Key  string `json:"k,omitempty"`
	Seq  int64  `json:"s"`
}

// mostRows is how many rows floor 2 gives at most.
const mostRows = 1000

// ask is how many rows to ask for: one more than the page has, to know whether there is another page.
func (p Paging) ask() int { return min(p.Limit+1, mostRows) }

// open reads the cursor. list names what is listed, with order and filters.
func (p Paging) open(list ...string) (position, error) {
	at := position{List: digestOf(list)}
	if p.Cursor == "" {
		return at, nil
	}
	var given position
	text, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil || json.Unmarshal(text, &given) != nil || given.Seq < 0 {
		return at, badCursor("This is not a cursor. Take next_cursor as it came, or leave it out to begin anew.")
	}
	if given.List != at.List {
		return at, badCursor("This cursor belongs to a list of another order or other filters. Leave it out to begin anew.")
	}
	return given, nil
}

func badCursor(message string) error {
	return &api.WithStatus{Status: http.StatusBadRequest, Err: muster.Errorf(muster.Invalid, "cursor", "%s", message)}
}

// paged makes a page of the rows that were given for ask. end says where a row stands.
func paged[R, T any](p Paging, at position, rows []R, view func(*R) T, end func(*R) (key string, seq int64)) *Page[T] {
	page := &Page[T]{Items: make([]T, min(len(rows), p.Limit))}
	for i := range page.Items {
		page.Items[i] = view(&rows[i])
	}
	if len(rows) > p.Limit || p.Limit == mostRows && len(rows) == mostRows {
		at.Key, at.Seq = end(&rows[p.Limit-1])
		page.NextCursor = ptr(at.String())
	}
	return page
}

func (at position) String() string {
	text, err := json.Marshal(at)
	if err != nil {
		panic(err) // texts and a number
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func digestOf(parts []string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x1f")))
	return string(hexOf(sum[:8]))
}

func hexOf(b []byte) []byte { return hex.AppendEncode(nil, b) }

// idOf reads an id of a path. What is no id leads to nothing, like an id that nobody has.
func idOf(noun, text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil || len(text) != 36 {
		return uuid.Nil, muster.Errorf(muster.NotFound, "id", "There is no %s %q.", noun, cut(text))
	}
	return id, nil
}

func cut(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
