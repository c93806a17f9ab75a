// Package pages is what people see who follow the link of a mail: a page on which they choose a password. It is for browsers of any age, without
// any script, in French and English.
//
// It decides nothing: what a link may do is internal/invite's. A GET changes nothing, because mail programs and their guards follow links by
// themselves. texts.go has the words, guard.go what keeps strangers' sites and endless tries away.
package pages

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/api"
	"github.com/musterid/muster/internal/invite"
	"github.com/musterid/muster/internal/lang"
)

//go:embed html
var files embed.FS

var (
	page  = template.Must(template.ParseFS(files, "html/page.html"))
	style = string(must(files.ReadFile("html/page.css")))
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // the file is in the program
	}
	return v
}

// policy lets the page have its own style and its own form, and nothing else.
var policy = func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}()

// mostForm is the largest form, in bytes: a long password, twice, with every character escaped.
const mostForm = 16 << 10

// Options are what the pages are made of.
type Options struct {
	Invite *invite.Invite
	// PublicURL is where people reach this server: a proxy may have told it another name for itself.
	PublicURL string
	Now       func() time.Time
}

// site answers the pages.
type site struct {
	invite *invite.Invite
	guard  *guard
}

// New is the surface of the pages.
func New(o Options) api.Surface {
	s := &site{invite: o.Invite, guard: newGuard(o.PublicURL, o.Now)}
	mux := &api.Mux{NotFound: s.notFound, NotAllowed: s.notAllowed}
	mux.HandleFunc("GET /ticket/{token}", s.show)
	mux.HandleFunc("POST /ticket/{token}", s.submit)
	return api.Surface{Name: "pages", Prefixes: []string{"/ticket"}, Handler: mux, Panicked: s.panicked}
}

// view is what the template shows: a form, or one message.
type view struct {
	Words
	Style    template.CSS
	Heading  string
	Message  string // under the heading
	Alert    string // what is wrong with what was sent
	Good     bool   // the message is good news
	Form     bool
	Tenant   string
	Name     string
	Username string
	Rule     string // what a password needs
	Min      int
}

// show answers a GET, which changes nothing.
func (s *site) show(w http.ResponseWriter, r *http.Request) {
	ticket, words, ok := s.ticket(w, r)
	if ok {
		s.form(w, words, ticket, http.StatusOK, "")
	}
}

// ticket reads what the path leads to; when there is nothing to be done with it, it answers and gives false.
func (s *site) ticket(w http.ResponseWriter, r *http.Request) (invite.Ticket, Words, bool) {
	words := s.accepted(r)
	ticket, err := s.invite.Ticket(r.Context(), r.PathValue("token"))
	if muster.CodeOf(err) == muster.NotFound && !s.guard.guess(r) {
		s.slowDown(w, words)
		return ticket, words, false
	}
	if err != nil {
		s.fail(w, r, words, err)
		return ticket, words, false
	}
	if ticket.Locale != "" {
		words = wordsOf(ticket.Locale)
	}
	if ticket.State != invite.TicketOpen {
		s.closed(w, words, ticket.State)
		return ticket, words, false
	}
	return ticket, words, true
}

// submit answers a POST: it sets the password.
func (s *site) submit(w http.ResponseWriter, r *http.Request) {
	words := s.accepted(r)
	if s.guard.foreign(r) {
		s.write(w, http.StatusForbidden, view{Words: words, Heading: words.NotHere, Message: words.Foreign})
		return
	}
	password, again, ok := s.read(w, r, words)
	if !ok {
		return
	}
	token := r.PathValue("token")
	ticket, words, ok := s.ticket(w, r)
	if !ok {
		return
	}
	if !s.guard.try(token) {
		s.slowDown(w, words)
		return
	}
	if password != again {
		s.form(w, words, ticket, http.StatusUnprocessableEntity, words.Differ)
		return
	}
	leave, ok := s.guard.enter(r.Context())
	if !ok {
		s.slowDown(w, words)
		return
	}
	defer leave()
	if err := s.invite.SetPassword(r.Context(), token, password); err != nil {
		s.refused(w, r, words, ticket, err)
		return
	}
	s.write(w, http.StatusOK, view{Words: words, Heading: words.Done, Message: words.DoneMore, Good: true, Tenant: ticket.Tenant})
}

// read takes the form out of the body.
func (s *site) read(w http.ResponseWriter, r *http.Request, words Words) (password, again string, ok bool) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		s.write(w, http.StatusUnsupportedMediaType, view{Words: words, Heading: words.NotHere, Message: words.NoForm})
		return "", "", false
	}
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	if err := r.ParseForm(); err != nil {
		status := http.StatusBadRequest
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			status = http.StatusRequestEntityTooLarge
		}
		s.write(w, status, view{Words: words, Heading: words.NotHere, Message: words.NoForm})
		return "", "", false
	}
	return r.PostForm.Get("password"), r.PostForm.Get("again"), true
}

// refused answers a password that was not taken.
func (s *site) refused(w http.ResponseWriter, r *http.Request, words Words, ticket invite.Ticket, err error) {
	fault := muster.Faults(err)[0]
	text := lang.Of(words.Lang).Error(fault)
	switch {
	case fault.Field == "password":
		s.form(w, words, ticket, http.StatusUnprocessableEntity, text)
	case fault.Code == muster.Conflict:
		s.form(w, words, ticket, http.StatusConflict, words.Busy)
	case fault.Code == muster.Unavailable:
		api.TraceOf(r.Context()).Cause = err
		w.Header().Set("Retry-After", "30")
		s.form(w, words, ticket, http.StatusServiceUnavailable, words.Down)
	default:
		s.fail(w, r, words, err)
	}
}

// fail answers with a page that has no form.
func (s *site) fail(w http.ResponseWriter, r *http.Request, words Words, err error) {
	switch muster.CodeOf(err) {
	case muster.NotFound:
		s.write(w, http.StatusNotFound, view{Words: words, Heading: words.Unknown, Message: words.UnknownMore})
	case muster.Gone:
		state := invite.TicketWithdrawn
		if now, err := s.invite.Ticket(r.Context(), r.PathValue("token")); err == nil {
			state = now.State
		}
		s.closed(w, words, state)
	case muster.Unavailable:
		api.TraceOf(r.Context()).Cause = err
		w.Header().Set("Retry-After", "30")
		s.write(w, http.StatusServiceUnavailable, view{Words: words, Heading: words.Sorry, Message: words.Down})
	default:
		if api.Left(r.Context(), err) {
			return // nobody reads it
		}
		api.TraceOf(r.Context()).Cause = err
		s.write(w, http.StatusInternalServerError, view{Words: words, Heading: words.Sorry, Message: words.Broken})
	}
}

// closed answers a link that has had its time.
func (s *site) closed(w http.ResponseWriter, words Words, state invite.TicketState) {
	v := view{Words: words, Heading: words.Withdrawn, Message: words.WithdrawnMore}
	switch state {
	case invite.TicketUsed:
		v.Heading, v.Message = words.Used, words.UsedMore
	case invite.TicketExpired:
		v.Heading, v.Message = words.Expired, words.ExpiredMore
	}
	s.write(w, http.StatusGone, v)
}

func (s *site) form(w http.ResponseWriter, words Words, t invite.Ticket, status int, alert string) {
	s.write(w, status, view{
		Words: words, Heading: words.Choose, Form: true, Alert: alert, Tenant: t.Tenant, Name: t.Name, Username: t.Username, Min: t.PasswordMin, Rule: words.rule(t.PasswordMin),
	})
}

func (s *site) slowDown(w http.ResponseWriter, words Words) {
	w.Header().Set("Retry-After", "60")
	s.write(w, http.StatusTooManyRequests, view{Words: words, Heading: words.Slow, Message: words.SlowMore})
}

func (s *site) notFound(w http.ResponseWriter, r *http.Request) {
	words := s.accepted(r)
	s.write(w, http.StatusNotFound, view{Words: words, Heading: words.Unknown, Message: words.UnknownMore})
}

func (s *site) notAllowed(w http.ResponseWriter, r *http.Request) {
	words := s.accepted(r)
	s.write(w, http.StatusMethodNotAllowed, view{Words: words, Heading: words.NotHere, Message: words.NoForm})
}

func (s *site) panicked(w http.ResponseWriter, r *http.Request) {
	words := s.accepted(r)
	s.write(w, http.StatusInternalServerError, view{Words: words, Heading: words.Sorry, Message: words.Broken})
}

// write answers with a page. The link in the address bar is a secret: it is kept from caches, from other sites and out of frames. (A stricter
// policy for referrers would have browsers hide from us too where a form comes from.)
func (s *site) write(w http.ResponseWriter, status int, v view) {
	v.Style = template.CSS(style)
	var body bytes.Buffer
	if err := page.ExecuteTemplate(&body, "page.html", v); err != nil {
		panic(err) // the template and its data are in the program
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.Lang)
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Add("Vary", "Accept-Language")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a browser that is gone
}

// originOf is scheme and host of an address, "" when it has none.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
