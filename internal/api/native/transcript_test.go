package native_test

import (
	"testing"

	"github.com/musterid/muster/internal/api/apitest"
	"github.com/musterid/muster/internal/config"
)

// TestTranscripts holds whole conversations with the native API to what the server answers. How to read them: apitest.Transcripts.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	apitest.Transcripts(t, "testdata", config.Config{})
}
