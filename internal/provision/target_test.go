package provision_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/store"
)

// Secrets of a target stand nowhere in clear: not in answers, errors, the audit, the log or the database.
func TestSettingsStaySecret(t *testing.T) {
	eachYard(t, func(y *yard) {
		ctx := y.t.Context()
		s := y.aim(marked, "")
		var said []string
		say := func(v provision.TargetView, err error) {
			said = append(said, fmt.Sprintf("%+v %s %v", v, v.Config, err))
		}
		for _, config := range []string{
			`{"password":"` + canary + `","wrong":1}`, `{"password":["` + canary + `"]}`, `{"password":"` + canary + `"`, `{"instance":5,"password":"` + canary + `"}`,
		} {
			say(y.provision.CreateTarget(ctx, y.caller, provision.NewTarget{Name: "n", Kind: "marked", Config: json.RawMessage(config)}))
			say(y.provision.ChangeTarget(ctx, y.caller, s.view.ID, provision.TargetChange{Config: json.RawMessage(config)}))
		}
		say(y.provision.ChangeTarget(ctx, y.caller, s.view.ID, provision.TargetChange{Config: json.RawMessage(`{"password":"` + canary + `2"}`)}))
		say(y.provision.Target(ctx, y.caller, s.view.ID))
		list, err := y.provision.Targets(ctx, y.caller)
		if err != nil || len(list) != 1 {
			y.t.Fatal(err, list)
		}
		said = append(said, fmt.Sprintf("%+v %s", list, list[0].Config))
		s.when(func(context.Context, string, string) error { return errors.New("no answer") })
		said = append(said, fmt.Sprint(y.provision.CheckTarget(ctx, y.caller, s.view.ID)))
		said = append(said, fmt.Sprint(y.provision.DeleteTarget(ctx, y.caller, s.view.ID)), y.log.String(), y.table("audit", "change"), y.table("target", "message"))
		for _, text := range said {
			if strings.Contains(text, canary) {
				y.t.Errorf("the password stands in %s", text)
			}
		}
		if audit := y.table("audit", "action"); !strings.Contains(audit, "target.create") || !strings.Contains(audit, "target.update") || !strings.Contains(audit, "target.delete") {
			y.t.Errorf("audit %s", audit)
		}
		if y.store.Engine() == store.SQLite {
			for _, suffix := range []string{"", "-wal"} {
				if content, err := os.ReadFile(y.store.DSN() + suffix); err != nil || bytes.Contains(content, []byte(canary)) {
					y.t.Errorf("the database file %q holds the password (%v)", suffix, err)
				}
			}
		}
	})
}

func (y *yard) table(table, column string) string {
	y.t.Helper()
	rows, err := y.store.Handle().QueryContext(y.t.Context(), "SELECT coalesce("+column+", '') FROM "+table)
	if err != nil {
		y.t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			y.t.Fatal(err)
		}
		all = append(all, text)
	}
	return strings.Join(all, "\n")
}

// Writing back what was read changes nothing, and a masked secret keeps the stored one.
func TestTargetWrittenBack(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, `{"rate":5.5,"states":["active","staged"]}`)
		v := y.target(s)
		if strings.Contains(string(v.Config), canary) || v.Policy.Attempts != muster.DefaultTargetPolicy().Attempts {
			y.t.Errorf("%s %+v", v.Config, v.Policy)
		}
		policy, _ := json.Marshal(v.Policy)
		again, err := y.provision.ChangeTarget(y.t.Context(), y.caller, v.ID, provision.TargetChange{Name: &v.Name, Config: v.Config, Policy: policy, Paused: &v.Paused, Version: v.Version})
		if err != nil || again.Version != v.Version {
			y.t.Errorf("written back: version %d, before %d, %v", again.Version, v.Version, err)
		}
		if _, err := y.provision.ChangeTarget(y.t.Context(), y.caller, v.ID, provision.TargetChange{Version: 9}); muster.CodeOf(err) != muster.Stale {
			y.t.Errorf("an old version: %v", err)
		}
		y.enrol("username=ann") // the settings still open
		y.quiet()
		if len(s.Accounts()) != 1 {
			y.t.Errorf("accounts %+v", s.Accounts())
		}
	})
}

func TestTargetsRefused(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, "")
		for name, n := range map[string]provision.NewTarget{
			"kind":              {Name: "n", Kind: "nothing"},
			"name":              {Name: " ", Kind: "marked"},
			"policy":            {Name: "n", Kind: "marked", Policy: json.RawMessage(`[1]`)},
			"policy.speed":      {Name: "n", Kind: "marked", Policy: json.RawMessage(`{"speed":1}`)},
			"policy.allow":      {Name: "n", Kind: "marked", Policy: json.RawMessage(`{"allow":["10.0.0.0/8","localhost"]}`)},
			"policy.attempts":   {Name: "n", Kind: "marked", Policy: json.RawMessage(`{"attempts":0}`)},
			"policy.on_delete":  {Name: "n", Kind: "marked", Policy: json.RawMessage(`{"on_delete":"burn"}`)},
			"config.shoe":       {Name: "n", Kind: "marked", Config: json.RawMessage(`{"shoe":1}`)},
			"name of the other": {Name: s.view.Name, Kind: "marked"},
		} {
			_, err := y.provision.CreateTarget(y.t.Context(), y.caller, n)
			faults := muster.Faults(err)
			if err == nil || faults[0].Code == muster.Internal || faults[0].Field != strings.TrimSuffix(name, " of the other") {
				y.t.Errorf("%s: %v", name, err)
			}
		}
		nobody := y.caller
		nobody.Grants = nil
		if _, err := y.provision.CreateTarget(y.t.Context(), nobody, provision.NewTarget{Name: "n", Kind: "marked"}); muster.CodeOf(err) != muster.Forbidden {
			y.t.Errorf("without grants: %v", err)
		}
		other := y.caller
		other.Tenant = 99
		if _, err := y.provision.Target(y.t.Context(), other, s.view.ID); muster.CodeOf(err) != muster.NotFound {
			y.t.Errorf("another tenant: %v", err)
		}
	})
}
