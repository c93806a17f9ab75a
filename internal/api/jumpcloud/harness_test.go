package jumpcloud_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/musterid/muster/internal/api/apitest"
	"github.com/musterid/muster/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestTranscripts holds whole conversations to what the server answers. How to read them: apitest.Transcripts.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	apitest.Transcripts(t, "testdata", config.Config{}, "X-Total-Count", "Retry-After")
}
