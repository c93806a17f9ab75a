package edconnekt_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/musterid/muster/internal/api/apitest"
	"github.com/musterid/muster/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func settings() config.Config {
	return config.Config{EdConnekt: config.EdConnekt{Origins: []string{"https://school.example.org"}, TestItems: true}}
}

// TestTranscripts holds whole conversations to what the server answers. How to read them: apitest.Transcripts.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	apitest.Transcripts(t, "testdata", settings(), "Access-Control-Allow-Origin", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods", "Access-Control-Expose-Headers")
}
