package store

import (
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// where collects conditions and their arguments. Each ? stands for the next argument.
type where struct {
	parts []string
	args  []any
}

func (w *where) add(condition string, args ...any) {
	for _, arg := range args {
		condition = strings.Replace(condition, "?", w.arg(arg), 1)
	}
	w.parts = append(w.parts, condition)
}

// arg gives the mark of a further argument.
func (w *where) arg(v any) string {
	w.args = append(w.args, v)
	return "$" + strconv.Itoa(len(w.args))
}

func (w *where) sql() string { return strings.Join(w.parts, " AND ") }

// newID makes an id for anything but a person or an item.
func (tx *Tx) newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }
