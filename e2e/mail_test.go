package e2e

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster/internal/mail/mailtest"
	"github.com/musterid/muster/internal/store/storetest"
)

// TestMailSurvivesAKill kills the server when the mail server has taken a mail and before it could say so. The mail goes out once more, with the same
// Message-ID and the same link, and the link makes the account its person's.
func TestMailSurvivesAKill(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			sink := mailtest.Start(t)
			struck, dead := make(chan struct{}, 1), make(chan struct{})
			sink.OnAccepted(func(mailtest.Message) {
				select {
				case struck <- struct{}{}:
					<-dead
				default:
				}
			})
			s := start(t, options{engine: engine, args: []string{
				"--smtp-address", sink.Addr(), "--smtp-tls", "none", "--mail-from", "Accounts <accounts@hugo.example>", "--public-url", "http://accounts.hugo.example",
			}})
			call[map[string]any](t, s, http.MethodPost, "/v1/targets", map[string]any{"name": "here", "kind": "directory"})
			person := call[personView](t, s, http.MethodPost, "/v1/people", map[string]any{"first_name": "Ana", "last_name": "Souza", "email": "ana@example.org"})
			storetest.Await(t, struck, "the mail")
			s.kill()
			close(dead)
			struck <- struct{}{} // from now on nobody is held up
			s.again()

			ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second*slower)
			defer cancel()
			mails, err := sink.Wait(ctx, 2)
			if err != nil {
				t.Fatal(err)
			}
			if mails[0].ID() == "" || mails[0].ID() != mails[1].ID() || len(mails[0].Links()) != 1 || mails[0].Links()[0] != mails[1].Links()[0] {
				t.Fatalf("the repeat is another mail: %s %v, %s %v", mails[0].ID(), mails[0].Links(), mails[1].ID(), mails[1].Links())
			}
			path, ours := strings.CutPrefix(mails[1].Links()[0], "http://accounts.hugo.example")
			if !ours {
				t.Fatalf("the link leads elsewhere: %s", mails[1].Links()[0])
			}
			until(t, 30*time.Second, "sent", func() bool { return s.activation(t, person.ID) == "sent" })
			form := url.Values{"password": {"correct horse battery"}, "again": {"correct horse battery"}}
			for n, want := range []int{http.StatusOK, http.StatusGone} {
				response, err := s.http.PostForm(s.url+path, form)
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
				if response.StatusCode != want {
					t.Errorf("use %d of the link: %d, want %d", n+1, response.StatusCode, want)
				}
			}
			if got := s.activation(t, person.ID); got != "done" {
				t.Errorf("the activation is %s", got)
			}
			if n := len(sink.Messages()); n != 2 {
				t.Errorf("%d mails", n)
			}
		})
	}
}

// activation is how far a person's one account has come.
func (s *server) activation(t *testing.T, person string) string {
	t.Helper()
	list := call[struct {
		Items []struct {
			Activation struct {
				State string `json:"state"`
			} `json:"activation"`
		} `json:"items"`
	}](t, s, http.MethodGet, "/v1/accounts?person="+person, nil)
	if len(list.Items) != 1 {
		return ""
	}
	return list.Items[0].Activation.State
}
