package native

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/api"
)

// IfMatch guards a change with the version that the caller saw.
type IfMatch struct {
	IfMatch string `header:"If-Match" doc:"The ETag that was read. When the object has moved on since, nothing is changed and the answer is 412." example:"\"7\""`
}

// version gives the version that is asked for; 0 accepts any.
func (m IfMatch) version() (int64, error) {
	if m.IfMatch == "" || m.IfMatch == "*" {
		return 0, nil
	}
	version, err := strconv.ParseInt(strings.Trim(m.IfMatch, `"`), 10, 64)
	if err != nil || version < 1 {
		return 0, &api.WithStatus{Status: http.StatusPreconditionFailed, Err: muster.Errorf(muster.Stale, "If-Match", "%q is no version of this object. Send the ETag as it came.", cut(m.IfMatch))}
	}
	return version, nil
}

// about gives what a guarded change is about.
func (m IfMatch) about(noun, text string) (id uuid.UUID, version int64, err error) {
	if id, err = idOf(noun, text); err == nil {
		version, err = m.version()
	}
	return id, version, err
}

func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }
