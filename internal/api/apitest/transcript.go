package apitest

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/musterid/muster/internal/config"
)

var update = flag.Bool("update", false, "write what the server answers into the transcripts")

// Transcripts runs every conversation of a folder, each with a fresh server. An exchange is
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
// Ids stand as {1}, {2}, … in the order in which they were first answered, and may be used in requests; times are {time}, keys {key}. A header
// without a value is not sent. The line "> WAIT batch state" asks the native API until a batch is in a state, and "> WAIT /path field value" any
// path until a field of its answer has a value. The line "> NAME word field" has the id in a field of the last answer stand as {word} from then on.
func Transcripts(t *testing.T, folder string, settings config.Config, headers ...string) {
	files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
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
			told := &teller{Server: Serve(t, settings), ids: map[string]string{}, named: map[string]string{}, shown: append(shownHeaders[:len(shownHeaders):len(shownHeaders)], headers...)}
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
	*Server
	ids   map[string]string // id to its number
	order []string
	named map[string]string // mark to id
	last  Answer
	shown []string
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

// shownHeaders are the headers that every transcript shows.
var shownHeaders = []string{"Location", "ETag", "Content-Type", "Content-Disposition", "WWW-Authenticate", "Allow", "Idempotency-Replayed"}

func (t *teller) exchange(request []string) string {
	method, path, _ := strings.Cut(t.real(request[0]), " ")
	if method == "NAME" {
		return t.name(path)
	}
	if method == "WAIT" {
		parts := strings.SplitN(path, " ", 3)
		if strings.HasPrefix(path, "/") {
			t.Until(parts[0], parts[1], parts[2])
		} else {
			t.Until("/v1/batches/"+parts[0], "state", parts[1])
		}
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
	t.last = t.Send(method, path, body, headers...)
	return t.show(t.last)
}

func (t *teller) name(what string) string {
	word, field, _ := strings.Cut(what, " ")
	var answer any
	t.last.Into(t.T, &answer)
	id := at(answer, field)
	if !ids.MatchString(id) {
		t.T.Fatalf("NAME %s: there is no id in the answer %s", what, t.last.Body)
	}
	t.ids[id], t.named["{"+word+"}"] = "{"+word+"}", id
	return ""
}

func (t *teller) show(a Answer) string {
	var out strings.Builder
	fmt.Fprintf(&out, "< %d\n", a.Status)
	for _, name := range t.shown {
		if value := a.Header.Get(name); value != "" && value != "application/json" {
			fmt.Fprintf(&out, "< %s: %s\n", name, t.plain(value))
		}
	}
	body := a.Body
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
	ids   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{24}\b`)
	times = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	keys  = regexp.MustCompile(`muster_([0-9A-Za-z]{49}|[0-9A-Za-z]{6}")`)
	marks = regexp.MustCompile(`\{\w+\}`)
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
	return keys.ReplaceAllStringFunc(times.ReplaceAllString(text, "{time}"), func(key string) string {
		if strings.HasSuffix(key, `"`) {
			return `{prefix}"`
		}
		return "{key}"
	})
}

// real puts ids back in.
func (t *teller) real(text string) string {
	return marks.ReplaceAllStringFunc(text, func(mark string) string {
		if id, named := t.named[mark]; named {
			return id
		}
		n, _ := strconv.Atoi(strings.Trim(mark, "{}"))
		if n < 1 || n > len(t.order) {
			return mark
		}
		return t.order[n-1]
	})
}

// at gives what stands at a path of names and numbers with dots between, as text; "" when there is nothing.
func at(value any, path string) string {
	for name := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[name]
		case []any:
			n, err := strconv.Atoi(name)
			if err != nil || n < 0 || n >= len(v) {
				return ""
			}
			value = v[n]
		default:
			return ""
		}
	}
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
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
