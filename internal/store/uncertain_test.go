package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/musterid/muster"
)

// Only what the database itself says of a commit is certain.
func TestWhatIsCertainOfACommit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err     error
		certain bool
	}{
		"a key that is held":                     {fmt.Errorf("commit: %w", &pgconn.PgError{Code: "23505"}), true},
		"a lost race":                            {&pgconn.PgError{Code: "40001"}, true},
		"rolled back":                            {pgx.ErrTxCommitRollback, true},
		"rolled back before":                     {sql.ErrTxDone, true},
		"a server that gives up":                 {&pgconn.PgError{Code: "58030", Severity: "PANIC"}, false},
		"a server that shuts down":               {&pgconn.PgError{Code: "57P01"}, false},
		"a broken connection":                    {io.ErrUnexpectedEOF, false},
		"a commit that was not sent":             {context.DeadlineExceeded, true},
		"a caller who did not wait for a commit": {context.Canceled, false},
		"a commit that took too long":            {fmt.Errorf("timeout: %w", context.DeadlineExceeded), false},
	} {
		err := uncertain(c.err)
		if errors.Is(err, ErrUncertain) == c.certain || !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
		if told := strings.Contains(muster.Faults(err)[0].Message, "Nobody knows"); told == c.certain || !strings.Contains(err.Error(), c.err.Error()) {
			t.Errorf("%s: users read %q, the log %q", name, muster.Faults(err)[0].Message, err)
		}
	}
}
