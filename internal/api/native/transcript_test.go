package native_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/musterid/muster/internal/config"
)

var update = flag.Bool("update", false, "write what the server answers into the transcripts")

// Transcripts hold whole conversations with a fresh server, to be read. Each exchange is
//
//	> METHOD /path
//	> Header: value
//	>
//	> body
//	< status
//	< Header: value
//	<
//	< body
//
// Ids stand as {1}, {2}, … in the order in which they were first answered, and may be used in requests; times are {time}, keys {key}. The line
// "> WAIT batch state" asks until a batch is in a state.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			told := &teller{server: serve(t, config.Config{}), ids: map[string]string{}}
			got := told.tell(string(content))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(content) {
				t.Errorf("the conversation went otherwise (run with -update and look at the difference):\n%s", difference(string(content), got))
			}
		})
	}
}

// teller speaks the requests of a transcript and writes down the answers.
type teller struct {
	*server
	ids   map[string]string // UUID to its number
	order []string
}

func (t *teller) tell(script string) string {
	var out strings.Builder
	var request []string
	flush := func() {
		if len(request) > 0 {
			out.WriteString(t.exchange(request))
			request = nil
		}
	}
	for _, line := range strings.Split(strings.TrimRight(script, "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, ">"):
			request = append(request, strings.TrimPrefix(strings.TrimPrefix(line, ">"), " "))
			out.WriteString(line + "\n")
		case strings.HasPrefix(line, "<"):
		default:
			flush()
			out.WriteString(line + "\n")
		}
	}
	flush()
	return out.String()
}

// shownHeaders are the headers that a transcript shows.
var shownHeaders = []string{"Location", "ETag", "Content-Type", "Content-Disposition", "WWW-Authenticate", "Allow", "Idempotency-Replayed"}

func (t *teller) exchange(request []string) string {
	method, path, _ := strings.Cut(t.real(request[0]), " ")
	if method == "WAIT" {
		id, state, _ := strings.Cut(path, " ")
		t.wait(id, state)
		return ""
	}
	headers := []string{"X-Request-Id", "transcript"}
	n := 1
	for ; n < len(request) && request[n] != ""; n++ {
		name, value, _ := strings.Cut(request[n], ":")
		headers = append(headers, name, t.real(strings.TrimSpace(value)))
	}
	body := ""
	if n < len(request) {
		body = t.real(strings.Join(request[n+1:], "\n"))
	}
	a := t.send(method, path, body, headers...)
	return t.show(a)
}

func (t *teller) show(a answer) string {
	var out strings.Builder
	fmt.Fprintf(&out, "< %d\n", a.status)
	for _, name := range shownHeaders {
		if value := a.header.Get(name); value != "" && value != "application/json" {
			fmt.Fprintf(&out, "< %s: %s\n", name, t.plain(value))
		}
	}
	body := a.body
	var indented bytes.Buffer
	if json.Indent(&indented, body, "", "  ") == nil {
		body = settings.ReplaceAll(indented.Bytes(), []byte("\n  \"config\": {…}"))
		body = lastUse.ReplaceAll(cursors.ReplaceAll(body, []byte(`"next_cursor": "{cursor}"`)), nil)
	}
	if text := strings.TrimRight(t.plain(string(body)), "\n"); text != "" {
		out.WriteString("<\n")
		for _, line := range strings.Split(text, "\n") {
			out.WriteString("< " + strings.TrimRight(line, "\r") + "\n")
		}
	}
	return out.String()
}

var (
	ids   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	times = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	keys  = regexp.MustCompile(`muster_([0-9A-Za-z]{49}|[0-9A-Za-z]{6}")`)
	marks = regexp.MustCompile(`\{\d+\}`)
	// What a kind of target is set by is that kind's affair.
	cursors  = regexp.MustCompile(`"next_cursor": ".*"`)
	lastUse  = regexp.MustCompile(`\n *"last_used_at": ".*",`) // it is recorded beside the request
	settings = regexp.MustCompile(`(?s)\n  "config": \{\n.*?\n  \}`)
)

// plain takes out what differs from run to run.
func (t *teller) plain(text string) string {
	text = ids.ReplaceAllStringFunc(text, func(id string) string {
		if t.ids[id] == "" {
			t.order = append(t.order, id)
			t.ids[id] = fmt.Sprintf("{%d}", len(t.order))
		}
		return t.ids[id]
	})
	text = keys.ReplaceAllStringFunc(times.ReplaceAllString(text, "{time}"), func(key string) string {
		if strings.HasSuffix(key, `"`) {
			return `{prefix}"`
		}
		return "{key}"
	})
	return text
}

// real puts ids back in.
func (t *teller) real(text string) string {
	return marks.ReplaceAllStringFunc(text, func(mark string) string {
		var n int
		fmt.Sscanf(mark, "{%d}", &n)
		if n < 1 || n > len(t.order) {
			return mark
		}
		return t.order[n-1]
	})
}

// difference shows the first lines that differ.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, b := "(end)", "(end)"
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			return fmt.Sprintf("line %d\n  want %s\n  got  %s", i+1, a, b)
		}
	}
	return ""
}
