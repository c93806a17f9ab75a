package jumpcloud_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/musterid/muster/internal/api/apitest"
	"github.com/musterid/muster/internal/config"
)

// A job and its results are there as long after its end as is set, and then nowhere (contract §5).
func TestJobsAreShownForAWhile(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	s := apitest.ServeAt(t, config.Config{JumpCloud: config.JumpCloud{Days: 45}}, func() time.Time { return time.Now().Add(time.Duration(later.Load())) })
	var job struct {
		ID string `json:"jobId"`
	}
	s.Must(200, http.MethodPost, "/api/v2/bulk/users", minimal("a", 2)).Into(t, &job)
	s.Until("/api/v2/jobs/"+job.ID, "status", "finished")
	for _, c := range []struct {
		after  time.Duration
		status int
	}{{45*24*time.Hour - time.Minute, 200}, {45*24*time.Hour + time.Minute, 404}} {
		later.Store(int64(c.after))
		for _, path := range []string{"/api/v2/jobs/" + job.ID, "/api/v2/jobs/" + job.ID + "/results", "/api/v2/bulk/users/" + job.ID + "/results"} {
			a := s.Must(c.status, http.MethodGet, path, "")
			if c.status == 200 && strings.HasSuffix(path, "results") && !strings.Contains(string(a.Body), `"persistedFields":{"email":"a0@example.org"`) {
				t.Errorf("%s does not say what was asked for: %s", path, a.Body)
			}
		}
	}
}
