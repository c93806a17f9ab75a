package pages_test

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/api"
	"github.com/musterid/muster/internal/api/pages"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/invite/invitetest"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "Zq7-canary-page"

// site is an office with its pages.
type site struct {
	*invitetest.Office
	server *httptest.Server
	client *http.Client
	log    *safeLog
}

// safeLog is a log that can be read while it is written.
type safeLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *safeLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *safeLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func each(t *testing.T, f func(s *site)) {
	t.Helper()
	invitetest.Each(t, func(o *invitetest.Office) {
		s := &site{Office: o, log: &safeLog{}}
		log := slog.New(slog.NewTextHandler(s.log, nil))
		home := api.Home(nil, nil, nil)
		s.server = httptest.NewServer(api.NewRouter(log, o.Clock.Now, home, pages.New(pages.Options{Invite: o.Invite, PublicURL: invitetest.PublicURL, Now: o.Clock.Now})))
		o.T.Cleanup(s.server.Close)
		s.client = s.server.Client()
		s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		f(s)
	})
}

// page is what was answered.
type page struct {
	status int
	header http.Header
	body   string
}

func (s *site) do(method, path string, form url.Values, header ...string) page {
	s.T.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(s.T.Context(), method, s.server.URL+path, body)
	if err != nil {
		s.T.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for n := 0; n < len(header); n += 2 {
		r.Header.Set(header[n], header[n+1])
	}
	response, err := s.client.Do(r)
	if err != nil {
		s.T.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return page{response.StatusCode, response.Header, string(text)}
}

func (s *site) wants(p page, status int, texts ...string) {
	s.T.Helper()
	if p.status != status {
		s.T.Errorf("status %d, want %d: %s", p.status, status, p.body)
	}
	for _, text := range texts {
		if !strings.Contains(p.body, text) {
			s.T.Errorf("the page does not say %q: %s", text, p.body)
		}
	}
	for name, value := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
	} {
		if p.header.Get(name) != value {
			s.T.Errorf("%s: %q", name, p.header.Get(name))
		}
	}
	safe(s.T, p)
}

var styleElement = regexp.MustCompile(`(?s)<style>(.*?)</style>`)

// active is what a page could run or fetch: elements that do, and such attributes.
var active = regexp.MustCompile(`(?i)<(script|img|iframe|object|embed|link|svg|base)\b|<[^>"]*(?:"[^"]*"[^>"]*)*\s(on[a-z]+|style|src|href|action|formaction)\s*=`)

// safe holds a page to its policy: its one style is the one that is allowed, and there is nothing else that a browser would run or fetch.
func safe(t *testing.T, p page) {
	t.Helper()
	policy := p.header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy lacks %s: %s", part, policy)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %s", policy)
	}
	styles := styleElement.FindAllStringSubmatch(p.body, -1)
	if p.body == "" {
		return // HEAD
	}
	if len(styles) != 1 {
		t.Fatalf("%d styles in %s", len(styles), p.body)
	}
	sum := sha256.Sum256([]byte(styles[0][1]))
	if !strings.Contains(policy, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Errorf("the style is not the one that %s allows", policy)
	}
	if found := active.FindString(p.body); found != "" {
		t.Errorf("the page has %q", found)
	}
}

func form(chosen string) url.Values { return url.Values{"password": {chosen}, "again": {chosen}} }

func (s *site) mailed(draft muster.Draft) (store.PersonRow, string) {
	s.T.Helper()
	person, m := s.Mailed(draft)
	return person, "/ticket/" + invitetest.Token(s.T, m)
}

func ana() muster.Draft {
	return muster.Draft{"first_name": "Ana", "last_name": "Souza", "email": "ana@example.org"}
}

func TestSomebodyChoosesAPassword(t *testing.T) {
	each(t, func(s *site) {
		var set atomic.Int64
		s.OnPassword(func(_, chosen string) error {
			if chosen == password {
				set.Add(1)
			}
			return nil
		})
		person, path := s.mailed(ana())
		for range 5 { // mail guards follow links, more than once
			p := s.do("GET", path, nil, "Accept-Language", "fr-FR,fr;q=0.9,en;q=0.8")
			s.wants(p, 200, `<html lang="fr">`, "Choisissez un mot de passe", "Ana Souza", "ana.souza001", "School", "Au moins 8 caractères")
			s.do("HEAD", path, nil)
		}
		if a := s.Account(person).Activation; a.State != muster.ActivationSent || set.Load() != 0 {
			t.Fatalf("looking at the page has done something: %+v, %d passwords", a, set.Load())
		}
		s.wants(s.do("POST", path, form(password), "Accept-Language", "fr"), 200, "Votre compte est prêt")
		if set.Load() != 1 || s.Account(person).Activation.State != muster.ActivationDone {
			t.Errorf("%d passwords, activation %+v", set.Load(), s.Account(person).Activation)
		}
		s.wants(s.do("GET", path, nil, "Accept-Language", "fr"), 410, "déjà été utilisé")
		p := s.do("POST", path, form(password+"2"))
		s.wants(p, 410)
		if set.Load() != 1 || strings.Contains(p.body, "Souza") {
			t.Errorf("a used link: %d passwords, %s", set.Load(), p.body)
		}
		if text := s.log.String(); strings.Contains(text, strings.TrimPrefix(path, "/ticket/")) || strings.Contains(text, password) || !strings.Contains(text, "/ticket/{token}") {
			t.Error("the log has the link or the password, or lacks the route")
		}
	})
}

// The form works as browsers without scripts send it: its fields, to the address it came from.
func TestTheFormIsPlain(t *testing.T) {
	each(t, func(s *site) {
		_, path := s.mailed(ana())
		body := s.do("GET", path, nil).body
		if !strings.Contains(body, `<form method="post">`) {
			t.Errorf("the form goes elsewhere: %s", body)
		}
		for _, field := range []string{"password", "again"} {
			if !regexp.MustCompile(`<label for="` + field + `">[^<]+</label>\s*<input type="password" id="` + field + `" name="` + field + `" autocomplete="new-password"[^>]* required`).MatchString(body) {
				t.Errorf("the field %s has no label, or is no field for a new password: %s", field, body)
			}
		}
		for _, part := range []string{"<title>", `name="viewport"`, "<main>", "<h1>", `autocomplete="username"`, `<button type="submit">`} {
			if strings.Count(body, part) != 1 {
				t.Errorf("the page has %d of %s", strings.Count(body, part), part)
			}
		}
	})
}

func TestOtherSitesSendNoForms(t *testing.T) {
	each(t, func(s *site) {
		var set atomic.Int64
		s.OnPassword(func(string, string) error { set.Add(1); return nil })
		_, path := s.mailed(ana())
		for _, header := range [][]string{
			{"Sec-Fetch-Site", "cross-site"},
			{"Sec-Fetch-Site", "same-site"},
			{"Origin", "https://evil.example"},
			{"Origin", "null"},
			{"Sec-Fetch-Site", "cross-site", "Origin", s.server.URL},
		} {
			s.wants(s.do("POST", path, form(password), append(header, "Accept-Language", "en")...), 403, "another site")
		}
		if set.Load() != 0 {
			t.Fatalf("another site has set %d passwords", set.Load())
		}
		s.wants(s.do("POST", path, form(password), "Sec-Fetch-Site", "same-origin"), 200)
		for n, header := range [][]string{{"Origin", s.server.URL}, {"Origin", "https://accounts.hugo.example"}, {}} {
			_, path := s.mailed(muster.Draft{"first_name": "Ana", "email": string(rune('a'+n)) + "@example.org"})
			s.wants(s.do("POST", path, form(password), header...), 200)
		}
	})
}

func TestPagesSpeakTheirReadersLanguage(t *testing.T) {
	each(t, func(s *site) {
		_, undecided := s.mailed(ana())
		_, french := s.mailed(muster.Draft{"first_name": "Bo", "email": "bo@example.org", "locale": "fr-FR"})
		_, english := s.mailed(muster.Draft{"first_name": "Cy", "email": "cy@example.org", "locale": "en"})
		unknown := "/ticket/" + strings.Repeat("a", 43)
		for _, c := range []struct{ path, accept, lang string }{
			{undecided, "", "fr"}, // the server's own
			{undecided, "de, en;q=0.4, fr;q=0.3", "en"},
			{undecided, "fr;q=0.1, en-GB;q=0.7", "en"},
			{undecided, "fr-CH, en;q=0.9", "fr"},
			{undecided, "de", "fr"},
			{undecided, "en;q=0, fr", "fr"},
			{undecided, "en;q=x, ;;;,,", "fr"},
			{french, "en", "fr"},
			{english, "fr", "en"},
			{unknown, "en", "en"},
			{unknown, "fr", "fr"},
		} {
			p := s.do("GET", c.path, nil, "Accept-Language", c.accept)
			if !strings.Contains(p.body, `<html lang="`+c.lang+`">`) || p.header.Get("Content-Language") != c.lang {
				t.Errorf("%s %q is answered in %s", c.path[:10], c.accept, p.header.Get("Content-Language"))
			}
		}
		s.wants(s.do("POST", french, url.Values{"password": {"short"}, "again": {"short"}}, "Accept-Language", "en"), 422, "au moins 8 caractères")
		s.wants(s.do("POST", english, url.Values{"password": {"short"}, "again": {"short"}}), 422, "at least 8 characters")
	})
}

func TestNamesAreOnlyShown(t *testing.T) {
	each(t, func(s *site) {
		hostile := `"><script>alert(1)</script><img src=x onerror=alert(2)> {{.Style}} &amp;`
		_, path := s.mailed(muster.Draft{"display_name": hostile, "email": "ana@example.org", "username": "ana"})
		p := s.do("GET", path, nil)
		s.wants(p, 200, "&lt;script&gt;alert(1)", "{{.Style}}")
	})
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	each(t, func(s *site) {
		person, path := s.mailed(ana())
		var answer error
		s.OnPassword(func(string, string) error { return answer })
		english := []string{"Accept-Language", "en"}
		p := s.do("POST", path, url.Values{"password": {password}, "again": {password + "x"}}, english...)
		s.wants(p, 422, "not the same", `role="alert"`, `aria-invalid="true"`)
		if strings.Contains(p.body, password) {
			t.Error("the page repeats the password")
		}
		s.wants(s.do("POST", path, url.Values{}, english...), 422, "needed")
		answer = connector.Permanent(muster.Errorf(muster.Invalid, "password", "This password is on a list of stolen ones."))
		s.wants(s.do("POST", path, form(password), english...), 422, "list of stolen ones")
		answer = connector.Down(io.ErrUnexpectedEOF)
		if p := s.do("POST", path, form(password), english...); p.header.Get("Retry-After") == "" {
			t.Error("nothing says when to come back")
		} else {
			s.wants(p, 503, "link stays valid", "<form")
		}

		s.wants(s.do("GET", "/ticket/"+strings.Repeat("a", 43), nil, english...), 404, "not known")
		s.wants(s.do("GET", path+"x", nil, english...), 404, "not known")
		s.wants(s.do("POST", path[:len(path)-1], form(password), english...), 404)
		for _, other := range []string{"/ticket", "/ticket/", path + "/", path + "/more", "/ticket/%00", "/ticket/%E9", "/ticket/..%2f..%2fv1"} {
			s.wants(s.do("GET", other, nil), 404)
		}
		if p := s.do("PUT", path, form(password)); p.header.Get("Allow") != "GET, HEAD, POST" {
			t.Errorf("allowed: %q", p.header.Get("Allow"))
		} else {
			s.wants(p, 405)
		}
		s.wants(s.do("POST", path, form(password), "Content-Type", "application/json"), 415)
		s.wants(s.do("POST", path, form(strings.Repeat("a", 20_000))), 413)
		s.wants(s.do("POST", path, form(password), "Content-Type", "text/html; a=b; a=c"), 415)

		s.Clock.Advance(4 * 24 * time.Hour)
		s.wants(s.do("GET", path, nil, english...), 410, "Its time is over")
		s.wants(s.do("POST", path, form(password), english...), 410, "Its time is over")
		if got := s.Account(person).Activation.State; got == muster.ActivationDone {
			t.Error("one of these set the password")
		}
	})
}

func TestTwentyAtOnceSetOnePassword(t *testing.T) {
	each(t, func(s *site) {
		_, path := s.mailed(ana())
		answers := make(chan int, 20)
		for range 20 {
			go func() {
				r, err := s.client.PostForm(s.server.URL+path, form(password))
				if err != nil {
					answers <- 0
					return
				}
				r.Body.Close()
				answers <- r.StatusCode
			}()
		}
		counts := map[int]int{}
		for range 20 {
			counts[storetest.Await(s.T, answers, "an answer")]++
		}
		if counts[200] != 1 || counts[200]+counts[409]+counts[410]+counts[429] != 20 {
			t.Errorf("answers %v", counts)
		}
	})
}

func TestEndlessTriesAreSlowedDown(t *testing.T) {
	each(t, func(s *site) {
		_, path := s.mailed(ana())
		_, other := s.mailed(muster.Draft{"first_name": "Bo", "email": "bo@example.org"})
		for range 10 {
			s.wants(s.do("POST", path, form("short")), 422)
		}
		p := s.do("POST", path, form(password), "Accept-Language", "en")
		s.wants(p, 429, "Too many attempts")
		if p.header.Get("Retry-After") == "" {
			t.Error("nothing says when to come back")
		}
		s.wants(s.do("GET", path, nil), 200) // looking is free
		s.wants(s.do("POST", other, form(password)), 200)
		s.Clock.Advance(time.Minute)
		s.wants(s.do("POST", path, form(password)), 200)

		s.Clock.Advance(time.Hour)
		unknown, refused := "/ticket/"+strings.Repeat("b", 43), 0
		for range 610 {
			if s.do("GET", unknown, nil).status == http.StatusTooManyRequests {
				refused++
			}
		}
		if refused != 10 {
			t.Errorf("%d of 610 guesses of one address were refused", refused)
		}
		_, path = s.mailed(muster.Draft{"first_name": "Cy", "email": "cy@example.org"})
		s.wants(s.do("GET", path, nil), 200) // behind a proxy everybody has that address
	})
}
