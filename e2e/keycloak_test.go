package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/musterid/muster/internal/connector/keycloak/keycloaktest"
	"github.com/musterid/muster/internal/mail/mailtest"
)

// The EdConnekt front end's part in this is played with its own requests: what it sends, in its order, with its headers.

const identityBase = "/identity/api/v1/identity"

// provisioned is an item of a provisioning batch as the tracking screen reads it.
type provisioned struct {
	ID        string  `json:"id"`
	Identity  string  `json:"identity_id"`
	Firstname string  `json:"firstname"`
	Lastname  string  `json:"lastname"`
	Email     string  `json:"email"`
	Username  *string `json:"kc_username"`
	Account   *string `json:"kc_user_id"`
	Status    string  `json:"prov_status"`
	LastError *string `json:"last_error"`
}

// school makes an establishment, and gives its id.
func (s *server) school(t *testing.T, code string) string {
	t.Helper()
	made := call[[]struct {
		ID string `json:"id"`
	}](t, s, http.MethodPost, "/establishment/api/etablissements/", map[string]string{
		"nom": "École " + code, "code_etablissement": code, "adresse": "1", "email": "ecole@example.com", "telephone": "1",
	})
	return made[0].ID
}

// bulkImport sends a file as the browser does, and waits until every row has its outcome.
func (s *server) bulkImport(t *testing.T, name string, content []byte, school string) (id string, status map[string]any) {
	t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteField("establishment_id", school); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	code, answer, err := s.ask(t.Context(), http.MethodPost, identityBase+"/bulkimport", w.FormDataContentType(), &form)
	if err != nil || code != http.StatusAccepted {
		t.Fatalf("bulkimport: %d %s %v", code, answer, err)
	}
	var accepted struct {
		ID string `json:"batch_id"`
	}
	decode(t, answer, &accepted)
	until(t, time.Minute, "the import ends", func() bool {
		status = call[map[string]any](t, s, http.MethodGet, identityBase+"/bulkimport/batches/"+accepted.ID+"/status", nil)
		return status["status"] == "COMPLETED"
	})
	return accepted.ID, status
}

// order makes the provisioning batch of an import.
func (s *server) order(t *testing.T, source string) string {
	t.Helper()
	return call[struct {
		ID string `json:"id"`
	}](t, s, http.MethodPost, "/provisioning/batches", map[string]string{"source_identity_batch_id": source}).ID
}

// runOrder asks for a run as the browser does: without a body, and with the type of a form.
func (s *server) runOrder(t *testing.T, id string) (status string) {
	t.Helper()
	code, answer, err := s.ask(t.Context(), http.MethodPost, "/provisioning/batches/"+id+"/run", "application/x-www-form-urlencoded", nil)
	if err != nil || code != http.StatusOK {
		t.Fatalf("run: %d %s %v", code, answer, err)
	}
	var run struct {
		Status string `json:"status"`
	}
	decode(t, answer, &run)
	return run.Status
}

// provisioned walks all items of a provisioning batch by pages.
func (s *server) provisioned(t *testing.T, id string) []provisioned {
	t.Helper()
	var all []provisioned
	for {
		page := call[[]provisioned](t, s, http.MethodGet, fmt.Sprintf("/provisioning/batches/%s/items?skip=%d&limit=100", id, len(all)), nil)
		all = append(all, page...)
		if len(page) < 100 {
			return all
		}
	}
}

// statuses counts the items by prov_status.
func statuses(items []provisioned) map[string]int {
	counts := map[string]int{}
	for _, i := range items {
		counts[i.Status]++
	}
	return counts
}

// keycloakTarget makes a target of a realm, and has the tenant trust the realm's tokens.
func (s *server) keycloakTarget(t *testing.T, realm *keycloaktest.Realm) (id string) {
	t.Helper()
	target := call[struct {
		ID string `json:"id"`
	}](t, s, http.MethodPost, "/v1/targets", map[string]any{
		"name": "keycloak", "kind": "keycloak", "policy": map[string]any{"concurrency": 4, "allow": []string{"127.0.0.1"}}, "config": realm.Settings(),
	})
	call[any](t, s, http.MethodPost, "/v1/targets/"+target.ID+"/check", nil)
	return target.ID
}

// pupils is a workbook of n people: 12 named Jean Dupont, 3 Jéan DUPÔNT, and others.
func pupils(t *testing.T, n int) []byte {
	t.Helper()
	f := excelize.NewFile()
	row := func(i int, cells ...any) {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i), &cells); err != nil {
			t.Fatal(err)
		}
	}
	row(1, "lastname", "firstname", "email", "role_principal")
	for i := range n {
		first, last := "Jean", "Dupont"
		switch {
		case i >= 15:
			first, last = fmt.Sprintf("Élève %c%c", 'A'+i/26%26, 'A'+i%26), "N'Diaye"
		case i >= 12:
			first, last = "Jéan", "DUPÔNT"
		}
		row(i+2, last, first, fmt.Sprintf("pupil%03d@example.com", i), "student")
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// From a spreadsheet to a sign-in at Keycloak: 300 people with 15 namesakes, run twice and 20 times at once, mailed by Keycloak, and one of them
// sets a password behind the link.
func TestSpreadsheetToKeycloak(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t)
	realm := keycloaktest.Start(t).Realm(t, keycloaktest.Options{SMTP: sink.Addr()})
	s := start(t, options{})
	target := s.keycloakTarget(t, realm)
	source, status := s.bulkImport(t, "pupils.xlsx", pupils(t, 300), s.school(t, "A"))
	if status["new_count"] != 300.0 || status["invalid_count"] != 0.0 {
		t.Fatalf("import: %v", status)
	}
	if n := len(realm.Users(t)); n != 0 {
		t.Fatalf("%d accounts before anybody ordered any", n)
	}
	order := s.order(t, source)
	if again := s.order(t, source); again != order {
		t.Errorf("a second batch %s of the same source, beside %s", again, order)
	}
	s.runOrder(t, order)
	s.runOrder(t, order)
	var runs sync.WaitGroup
	for range 20 {
		runs.Go(func() { s.runOrder(t, order) })
	}
	runs.Wait()

	var items []provisioned
	until(t, 3*time.Minute, "everybody is mailed", func() bool {
		items = s.provisioned(t, order)
		return statuses(items)["INVITE_SENT"] == 300
	})
	users := realm.Users(t)
	if len(users) != 300 || len(items) != 300 {
		t.Errorf("%d accounts and %d items for 300 people", len(users), len(items))
	}
	var duponts []string
	for _, i := range items {
		if strings.EqualFold(i.Lastname, "dupont") || i.Lastname == "DUPÔNT" {
			duponts = append(duponts, *i.Username)
		}
	}
	slices.Sort(duponts)
	for n := range 15 {
		if want := fmt.Sprintf("jean.dupont%03d", n+1); n >= len(duponts) || duponts[n] != want {
			t.Fatalf("usernames %v, want jean.dupont001 to 015", duponts)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), waitWithin)
	defer cancel()
	mails, err := sink.Wait(ctx, 300)
	if err != nil {
		t.Fatal(err)
	}
	addressed := map[string]int{}
	for _, m := range mails {
		addressed[m.To[0]]++
	}
	if len(mails) != 300 || len(addressed) != 300 {
		t.Errorf("%d mails to %d addresses", len(mails), len(addressed))
	}
	s.activates(t, target, order, realm, mails, items[0])
}

// activates follows the link of somebody's mail, and has them sign in.
func (s *server) activates(t *testing.T, target, order string, realm *keycloaktest.Realm, mails []mailtest.Message, who provisioned) {
	t.Helper()
	const password = "a long enough passphrase 7"
	i := slices.IndexFunc(mails, func(m mailtest.Message) bool { return m.To[0] == who.Email })
	if i < 0 {
		t.Fatalf("no mail to %s", who.Email)
	}
	if text, err := realm.Follow(t.Context(), mails[i].Links()[0], password); err != nil {
		t.Fatalf("follow the link: %v\n%s", err, text)
	}
	call[any](t, s, http.MethodPost, "/v1/targets/"+target+"/look", nil)
	until(t, time.Minute, "the item is ACTIVATED", func() bool { return statuses(s.provisioned(t, order))["ACTIVATED"] == 1 })
	for _, item := range s.provisioned(t, order) {
		if (item.Status == "ACTIVATED") != (item.ID == who.ID) {
			t.Errorf("%s is %s", item.Email, item.Status)
		}
	}
	token, err := realm.Token(t.Context(), *who.Username, password)
	if err != nil || token == "" {
		t.Errorf("sign in at Keycloak: %v", err)
	}
}

// Keycloak goes away in the middle of a run and comes back, and so does Muster, by kill -9: the run comes to its end, and nothing is there twice.
func TestKeycloakOutage(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t)
	keycloak := keycloaktest.Own(t)
	realm := keycloak.Realm(t, keycloaktest.Options{SMTP: sink.Addr()})
	s := start(t, options{})
	s.keycloakTarget(t, realm)
	source, _ := s.bulkImport(t, "pupils.xlsx", pupils(t, 200), s.school(t, "A"))
	order := s.order(t, source)
	s.runOrder(t, order)
	made := func(n int) func() bool {
		return func() bool {
			counts := statuses(s.provisioned(t, order))
			return counts["KC_CREATED"]+counts["INVITE_SENT"] >= n
		}
	}
	until(t, 2*time.Minute, "30 accounts", made(30))
	keycloak.Stop()
	before := statuses(s.provisioned(t, order))
	if before["ERROR"] > 0 {
		t.Errorf("an outage is nobody's failure: %v", before)
	}
	s.kill()
	s.again()
	keycloak.Restart(t)
	until(t, 3*time.Minute, "60 accounts", made(60))
	s.kill()
	s.again()
	until(t, 5*time.Minute, "all accounts and mails", func() bool {
		return statuses(s.provisioned(t, order))["INVITE_SENT"] == 200
	})
	users := map[string]bool{}
	for _, u := range realm.Users(t) {
		users[u.Email] = true
	}
	if n := len(realm.Users(t)); n != 200 || len(users) != 200 {
		t.Errorf("%d accounts of %d people, want 200", n, len(users))
	}
	// A mail may be repeated only where a process died between the answer and its record: two deaths and one outage, four calls at once.
	addressed := map[string]int{}
	for _, m := range sink.Messages() {
		addressed[m.To[0]]++
	}
	extra := len(sink.Messages()) - len(addressed)
	if len(addressed) != 200 || extra > 12 {
		t.Errorf("%d mails to %d addresses", len(sink.Messages()), len(addressed))
	}
	t.Logf("mails repeated by two kills and an outage: %d", extra)
}

// 257 items are walked by pages while a run changes their statuses: each is seen once.
func TestPagesWhileARunGoesOn(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		call[any](t, s, http.MethodPost, "/v1/targets", map[string]any{
			"name": "slow", "kind": "rehearsal", "policy": map[string]any{"concurrency": 2}, "config": map[string]any{"instance": "slow", "latency_ms": 10},
		})
		settings, err := json.Marshal(map[string]any{"settings": map[string]any{"provisioning": map[string]any{"target": "slow"}}})
		if err != nil {
			t.Fatal(err)
		}
		call[any](t, s, http.MethodPatch, "/v1/tenants/default", json.RawMessage(settings))
		source, _ := s.bulkImport(t, "pupils.xlsx", pupils(t, 257), s.school(t, "A"))
		order := s.order(t, source)
		s.runOrder(t, order)
		during := map[string]bool{}
		for began := time.Now(); ; {
			seen := map[string]bool{}
			items := s.walk(t, order, 10)
			for _, i := range items {
				seen[i.ID] = true
				during[i.Status] = true
			}
			if len(seen) != 257 || len(items) != 257 {
				t.Fatalf("%d items with %d ids, want 257", len(items), len(seen))
			}
			if statuses(items)["ENQUEUED"] == 0 {
				break
			}
			if time.Since(began) > waitWithin {
				t.Fatalf("the run does not end: %v", statuses(items))
			}
		}
		if len(during) < 2 {
			t.Errorf("nothing changed while the pages were walked: %v", slices.Collect(maps.Keys(during)))
		}
	})
}

// walk reads all items by pages of a size.
func (s *server) walk(t *testing.T, order string, size int) (all []provisioned) {
	t.Helper()
	for {
		q := url.Values{"skip": {fmt.Sprint(len(all))}, "limit": {fmt.Sprint(size)}}
		page := call[[]provisioned](t, s, http.MethodGet, "/provisioning/batches/"+order+"/items?"+q.Encode(), nil)
		all = append(all, page...)
		if len(page) < size {
			return all
		}
	}
}
