package native

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/api"
	"github.com/musterid/muster/internal/intake"
)

// uploadTypes are what a file may be called when it is the body itself. What it is, is told by its content.
var uploadTypes = []string{
	"text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/json", "application/x-ndjson", "application/octet-stream",
}

// options are what is said of a file, by name.
type options map[string]string

type uploadOption struct {
	name, description string
	words             []any
}

var uploadOptions = []uploadOption{
	{"name", "What the batch is called; the file's name otherwise.", nil},
	{"mode", "What may be done with a row: create (a row that matches somebody fails), update (a row that matches nobody fails) or both.", []any{"upsert", "create", "update"}},
	{"then", "What to do with the batch at once: nothing, plan it, or run it without a look at the plan. Past the tenant's limits it is held all the same.", []any{"none", "plan", "run"}},
	{"mapping", `A JSON object from column header to field, or to "-" for a column to leave out: {"Mail": "email", "Remarks": "-"}.`, nil},
	{"sheet", "Of a workbook: the sheet to read; the first visible one otherwise.", nil},
	{"source", "The system that the rows' source_id come from.", nil},
	{"email", "shared: an address that somebody holds is taken without claiming it, instead of failing the row.", []any{"unique", "shared"}},
	{"empty", "clear: an empty cell clears the field, instead of leaving it as it is.", []any{"keep", "clear"}},
	{"dates", "The order of dates such as 03/04/2010: day first or month first. Otherwise only 2010-04-03 is read.", []any{"dmy", "mdy"}},
}

func (o uploadOption) schema() *huma.Schema { return &huma.Schema{Type: "string", Enum: o.words} }

// set takes one option.
func (o options) set(name, value string) error {
	for _, known := range uploadOptions {
		if known.name != name {
			continue
		}
		if len(known.words) > 0 && value != "" && !slices.Contains(known.words, any(value)) {
			words := make([]string, len(known.words))
			for i, w := range known.words {
				words[i] = w.(string) //nolint:forcetypeassert // the table above
			}
			return muster.Errorf(muster.Invalid, name, "%q is none of %s.", cut(value), strings.Join(words, ", "))
		}
		if err := checkText(name, value); err != nil {
			return err
		}
		if value != "" {
			o[name] = value
		}
		return nil
	}
	return muster.Errorf(muster.Unsupported, name, "There is no option of this name.")
}

// upload says it in floor 2's words.
func (o options) upload(name string, limits intake.Limits) (intake.Upload, error) {
	up := intake.Upload{
		Name: name, Sheet: o["sheet"], Matching: muster.Matching(o["mode"]), Source: o["source"], SharedEmail: o["email"] == "shared", EmptyClears: o["empty"] == "clear",
		Dates: o["dates"], Then: thens[o["then"]], Limits: limits,
	}
	if o["name"] != "" {
		up.Name = o["name"]
	}
	if text := []rune(up.Name); len(text) > 255 {
		return up, muster.Errorf(muster.TooLong, "name", "At most 255 characters fit here; this has %d.", len(text))
	}
	if !utf8.ValidString(up.Name) || strings.ContainsFunc(up.Name, unicode.IsControl) {
		return up, muster.Errorf(muster.Invalid, "name", "A name has letters, digits, signs and blanks only; there is something else in this one.")
	}
	if o["mapping"] != "" {
		if err := json.Unmarshal([]byte(o["mapping"]), &up.Mapping); err != nil {
			return up, muster.Errorf(muster.Invalid, "mapping", `A JSON object from column header to field is expected, such as {"Mail": "email"}.`)
		}
	}
	return up, nil
}

// open finds the file and its options in a request. Nothing of the file has been read then.
func (s *surface) open(w http.ResponseWriter, r *http.Request) (*uploaded, error) {
	o := options{}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &api.WithStatus{Status: http.StatusBadRequest, Err: muster.Errorf(muster.Invalid, "", "The query cannot be read.")}
	}
	for name, values := range query {
		if err := o.set(name, values[len(values)-1]); err != nil {
			return nil, err
		}
	}
	body := arriving{api.Arriving(w, r.Body)}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && kind == "multipart/form-data" && params["boundary"] != "":
		return openForm(multipart.NewReader(body, params["boundary"]), o)
	case err == nil && slices.Contains(uploadTypes, kind):
		return newUploaded("upload", body, o), nil
	}
	return nil, &api.WithStatus{Status: http.StatusUnsupportedMediaType, Err: muster.Errorf(muster.Unsupported, "Content-Type",
		"A file is sent as multipart/form-data, or as the body itself with one of the types %s.", strings.Join(uploadTypes, ", "))}
}

// Bounds of a form around its file.
const (
	maxParts     = 32
	maxPartBytes = 64 << 10
)

// openForm reads the options that stand before the file.
func openForm(form *multipart.Reader, o options) (*uploaded, error) {
	for range maxParts {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, muster.Errorf(muster.Required, "file", "The form has no part called file.")
		}
		if err != nil {
			return nil, brokenForm(err)
		}
		if part.FormName() == "file" {
			name := path.Base(strings.ReplaceAll(part.FileName(), `\`, "/"))
			if name == "." || name == "/" {
				name = "upload"
			}
			return newUploaded(name, &filePart{form: form, part: part}, o), nil
		}
		value, err := io.ReadAll(io.LimitReader(part, maxPartBytes+1))
		if err != nil {
			return nil, brokenForm(err)
		}
		if len(value) > maxPartBytes {
			return nil, muster.Errorf(muster.TooLong, part.FormName(), "At most %d bytes fit here.", maxPartBytes)
		}
		if err := o.set(part.FormName(), strings.TrimSpace(string(value))); err != nil {
			return nil, err
		}
	}
	return nil, muster.Errorf(muster.TooLong, "", "A form has at most %d parts before the file.", maxParts)
}

func brokenForm(err error) error {
	if muster.CodeOf(err) != muster.Internal {
		return err
	}
	return &api.WithStatus{Status: http.StatusBadRequest, Err: muster.Errorf(muster.Invalid, "", "The form cannot be read, or broke off before its end. Send it again.").Because(errors.New(err.Error()))}
}

// filePart is the file of a form. Its end is believed only when the form ends too: an upload that was cut off is noticed, and so is an option
// behind the file, which comes too late to be heeded.
type filePart struct {
	form *multipart.Reader
	part *multipart.Part
	err  error
}

func (f *filePart) Read(b []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.part.Read(b)
	if err == nil {
		return n, nil
	}
	if errors.Is(err, io.EOF) {
		err = f.rest()
	} else {
		err = brokenForm(err)
	}
	f.err = err
	return n, err
}

func (f *filePart) rest() error {
	part, err := f.form.NextPart()
	switch {
	case errors.Is(err, io.EOF):
		return io.EOF
	case err != nil:
		return brokenForm(err)
	}
	return muster.Errorf(muster.Invalid, part.FormName(), "The part %q stands behind the file. Put options before it, or into the query.", cut(part.FormName()))
}

// arriving is a body whose end, when it comes too early, is said to the sender.
type arriving struct{ body io.Reader }

func (a arriving) Read(b []byte) (int, error) {
	n, err := a.body.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = broken(err)
	}
	return n, err
}
