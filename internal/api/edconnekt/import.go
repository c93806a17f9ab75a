package edconnekt

import (
	"errors"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/api"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/roster"
)

// The bulk import of the identity service (contract §9). An identity batch is an import whose people join the establishment and get accounts when
// they are asked for.
func (s *surface) imports() {
	i := identityService
	s.routeLong(i, http.MethodPost, "/bulkimport", selection, s.upload)
	s.route(i, http.MethodGet, "/bulkimport/batches", selection, s.listImports)
	s.route(i, http.MethodGet, "/bulkimport/batches/{batch_id}", selection, s.oneImport)
	s.route(i, http.MethodGet, "/bulkimport/batches/{batch_id}/status", selection, s.importStatus)
	s.route(i, http.MethodGet, "/bulkimport/batches/{batch_id}/items", selection, s.importItems)
	s.route(i, http.MethodGet, "/bulkimport/batches/{batch_id}/errors", selection, s.importErrors)
	s.route(i, http.MethodGet, "/bulkimport/templates", selection, s.templates)
	s.route(i, http.MethodGet, "/bulkimport/template/{role}", selection, s.template)
	s.route(i, http.MethodGet, "/bulkimport/template/{role}/info", selection, s.templateInfo)
	if s.Stream {
		s.routeLong(i, http.MethodGet, "/bulkimport/sse/{batch_id}", anybody, s.stream)
	}
}

// inMemory is how much of a form is kept in memory; the rest waits in files that are gone with the request. The clients send the establishment
// behind the file, so the file has to wait for it.
const inMemory = 1 << 20

// formAround is what a form may have besides its file.
const formAround = 1 << 20

// upload is POST /bulkimport. Rows that are wrong are told by their items; a file that is wrong as a whole is refused and leaves nothing.
func (s *surface) upload(q *request) (int, any, error) {
	if err := access.Some(q.caller, muster.WritePeople); err != nil { // before a large file is put anywhere
		return 0, nil, err
	}
	form, err := s.form(q)
	if err != nil {
		return 0, nil, err
	}
	defer form.RemoveAll() //nolint:errcheck // the system clears its temporary folder in the end
	unit := s.unitOfForm(q, form)
	files := form.File["file"]
	if len(files) == 0 {
		if texts := form.Value["file"]; len(texts) > 0 {
			q.fault([]any{"body", "file"}, "value_error", "Value error, Expected UploadFile, received: <class 'str'>", nil, nil)
		} else {
			q.fault([]any{"body", "file"}, "missing", "Field required", nil, nil)
		}
	}
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	if _, err := s.establishment(q, unit); err != nil {
		return 0, nil, notFound(err, errNoEstablishment)
	}
	file, err := files[0].Open()
	if err != nil {
		return 0, nil, err
	}
	defer file.Close()
	b, err := s.Intake.Receive(q.ctx, q.bySubject(), file, intake.Upload{
		Name: fileName(files[0].Filename), Matching: muster.Upsert, Source: source, Then: batch.CarryIt, Limits: s.Upload, Unit: roster.UnitRef{ID: unit}, Reading: reading(),
		AccountsAsked: true, Profile: profile, Rules: admission, Sheets: sheets,
	})
	if err != nil {
		return 0, nil, fileFault(err)
	}
	return http.StatusAccepted, s.accepted(b), nil
}

// sheets says which sheets of a workbook belong together (contract §9.2): the people, and their roles and cycles beside them. A workbook without a
// sheet of that name is read as a table.
func sheets(names []string) (main string, beside []string) {
	for _, name := range names {
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "identities":
			main = name
		case "roles", "cycles":
			beside = append(beside, name)
		}
	}
	if main == "" {
		return "", nil
	}
	return main, beside
}

// admission is how people come in by this surface: their username is made when an account is asked for, and phone and code are theirs alone.
var admission = roster.AdmitOptions{NoUsername: true, ClaimPhone: true, ClaimCode: true, CodePrefix: codePrefix}

// codePrefix begins the codes of identities: IDT000151.
const codePrefix = "IDT"

func (s *surface) accepted(b batch.Batch) map[string]any {
	format := "csv"
	if o, err := intake.OptionsOf(b); err == nil && o.Format.Kind == intake.XLSX {
		format = "excel"
	}
	return map[string]any{
		"success": true, "message": "Import accepté", "batch_id": b.ID, "status": importPending,
		"file_info": map[string]any{"filename": b.Name, "format": format, "row_count": b.Total},
	}
}

// form reads the whole form, the file to disk where it is large.
func (s *surface) form(q *request) (*multipart.Form, error) {
	kind, params, err := mime.ParseMediaType(q.r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || params["boundary"] == "" {
		q.fault([]any{"body", "file"}, "missing", "Field required", nil, nil)
		return nil, q.err()
	}
	body := http.MaxBytesReader(q.w, q.r.Body, s.Upload.Bytes+formAround)
	form, err := multipart.NewReader(api.Arriving(q.w, body), params["boundary"]).ReadForm(inMemory)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, say(http.StatusRequestEntityTooLarge, "TOO_LARGE", "Le fichier est trop volumineux.")
	case err != nil:
		return nil, say(http.StatusBadRequest, "FORM_INCOMPLETE", "Le formulaire est illisible ou incomplet. Renvoyez le fichier.")
	}
	if len(form.File["file"]) > 0 && form.File["file"][0].Size > s.Upload.Bytes {
		return nil, errors.Join(say(http.StatusRequestEntityTooLarge, "TOO_LARGE", "Le fichier est trop volumineux."), form.RemoveAll())
	}
	return form, nil
}

// unitOfForm finds the establishment that the form or the browser's selection names.
func (s *surface) unitOfForm(q *request, form *multipart.Form) uuid.UUID {
	loc := []any{"body", "establishment_id"}
	if values := form.Value["establishment_id"]; len(values) > 0 {
		if text := given(values[len(values)-1]); text != "" {
			return q.id(loc, text)
		}
	}
	if q.unit == (uuid.UUID{}) {
		q.fault(loc, "missing", "Field required", nil, nil)
	}
	return q.unit
}

// fileName is the name of a file as it is shown: the last part of what a browser sent, without what is no letter or sign.
func fileName(sent string) string {
	name := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, path.Base(strings.ReplaceAll(strings.ToValidUTF8(sent, ""), `\`, "/")))
	if name == "." || name == "/" || name == "" {
		return "import"
	}
	if runes := []rune(name); len(runes) > 255 {
		return string(runes[:255])
	}
	return name
}

// fileFault gives a file that cannot be read as a whole its status: 400, and 413 where it is too large.
func fileFault(err error) error {
	first := muster.Faults(err)[0]
	switch first.Code {
	case muster.Unsupported:
		return say(http.StatusBadRequest, "UNSUPPORTED_FORMAT", "Format non supporté. "+french.Error(first))
	case muster.TooLong:
		return &api.WithStatus{Status: http.StatusRequestEntityTooLarge, Err: first}
	case muster.Required, muster.Invalid, muster.Policy, muster.Conflict:
		return &api.WithStatus{Status: http.StatusBadRequest, Err: first}
	}
	return err
}
