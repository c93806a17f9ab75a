package native_test

import (
	"net/http"
	"testing"

	"github.com/musterid/muster/internal/config"
)

// An account shows how far its person has come, and they can be mailed once more.
func TestActivation(t *testing.T) {
	each(t, config.Config{}, func(t *testing.T, s *server) {
		target := s.must(http.StatusCreated, http.MethodPost, "/v1/targets",
			`{"name": "stage", "kind": "rehearsal", "config": {"path": "`+t.TempDir()+`/stage.rehearsal.jsonl"}, "policy": {"activation_days": 3}}`).object(t)
		if got := target["policy"].(map[string]any)["activation"]; got != "target" {
			t.Errorf("a target that mails by itself has activation %v", got)
		}
		s.must(http.StatusUnprocessableEntity, http.MethodPost, "/v1/targets",
			`{"name": "l", "kind": "ldap", "paused": true, "config": {"url": "ldap://ldap.example.org", "base_dn": "dc=example"}, "policy": {"activation": "target"}}`).problem(t)
		b := s.must(http.StatusCreated, http.MethodPost, "/v1/batches?then=run", "first_name,email\nAna,ana@example.org\n", "Content-Type", "text/csv").object(t)
		s.watch(text(b["id"]), func(map[string]any) {})
		path := "/v1/accounts?target=" + text(target["id"])
		account := s.Until(path, "items.0.activation.state", "sent")["items"].([]any)[0].(map[string]any)
		sent := account["activation"].(map[string]any)
		if sent["by"] != "target" || sent["sent_at"] == nil || sent["expires_at"] == nil || sent["done_at"] != nil || sent["error"] != nil {
			t.Errorf("activation %v", sent)
		}
		id := text(account["id"])
		if got := s.must(http.StatusOK, http.MethodPost, "/v1/accounts/"+id+"/remind", "").object(t)["activation"].(map[string]any)["state"]; got != "owed" {
			t.Errorf("reminded: %v", got)
		}
		again := s.Until("/v1/accounts/"+id, "activation.state", "sent")["activation"].(map[string]any)
		if again["sent_at"] == sent["sent_at"] {
			t.Error("the mail that is shown is still the first one")
		}
		s.must(http.StatusOK, http.MethodPost, "/v1/targets/"+text(target["id"])+"/look", "")
		s.must(http.StatusOK, http.MethodPatch, "/v1/targets/"+text(target["id"]), `{"policy": {"activation": "none"}}`)
		s.must(http.StatusUnprocessableEntity, http.MethodPost, "/v1/accounts/"+id+"/remind", "").problem(t)
	})
}
