package native

import (
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
)

// ReadBack are the members of an object that nobody sets. They may stand in a patch, so that what was read can be written back.
type ReadBack struct {
	ID        string `json:"id,omitempty" doc:"May be sent back as it was read."`
	Seq       int64  `json:"seq,omitempty" doc:"May be sent back as it was read."`
	Version   int64  `json:"version,omitempty" doc:"Guards the change like If-Match."`
	CreatedAt string `json:"created_at,omitempty" doc:"May be sent back as it was read."`
	UpdatedAt string `json:"updated_at,omitempty" doc:"May be sent back as it was read."`
}

// check holds members that are sent back to what the object has. Whoever calls it has read the object.
func (b ReadBack) check(id uuid.UUID, seq int64, created, updated time.Time) muster.Errors {
	var faults muster.Errors
	for _, m := range []struct {
		name string
		same bool
	}{
		{"id", b.ID == "" || b.ID == id.String()},
		{"seq", b.Seq == 0 || b.Seq == seq},
		{"created_at", sameTime(b.CreatedAt, created)},
		{"updated_at", sameTime(b.UpdatedAt, updated)},
	} {
		if !m.same {
			faults = append(faults, muster.Errorf(muster.ReadOnly, m.name, "This cannot be set. Leave it out, or send it as it was read."))
		}
	}
	return faults
}

// any says whether a member was sent back.
func (b ReadBack) any() bool { return b != ReadBack{Version: b.Version} }

// guard is the version that a change is guarded by: that of the header, else that of the body.
func (b ReadBack) guard(header int64) int64 {
	if header == 0 {
		return b.Version
	}
	return header
}

func sameTime(text string, t time.Time) bool {
	if text == "" {
		return true
	}
	given, err := time.Parse(time.RFC3339Nano, text)
	return err == nil && given.Equal(t)
}
