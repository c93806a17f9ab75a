package provision_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/store"
)

// reaching is a kind with a setting of operators. What it is opened with is told in its Check.
var reaching = connector.Kind{
	Name: "reaching", Label: "reaching", Config: func() any { return &reachConfig{Path: "/usual"} },
	Open: func(_ context.Context, config any, env connector.Environment) (connector.Connector, error) {
		return tells{path: config.(*reachConfig).Path, tenant: env.Tenant}, nil
	},
}

type reachConfig struct {
	Path string `json:"path" label:"Path" operator:"true"`
	Word string `json:"word" label:"Word"`
}

type tells struct {
	connector.Connector
	path   string
	tenant int64
}

func (c tells) Check(context.Context) error {
	return muster.Errorf(muster.Invalid, "", "path %s of tenant %d.", c.path, c.tenant)
}

func (c tells) Close() error { return nil }

// managers are people who manage targets: the operator at home and at work in the second tenant, that tenant's own admin, and somebody of the first tenant who
// manages targets alone.
func (y *yard) managers() (operator, guest, admin, local muster.Caller) {
	y.t.Helper()
	second := muster.Tenant{Code: "second", Name: "Second", Settings: muster.DefaultSettings()}
	err := y.store.Update(y.t.Context(), store.Everyone, func(tx *store.Tx) error { return tx.CreateTenant(&second) })
	if err != nil {
		y.t.Fatal(err)
	}
	operator, admin, local = y.caller, y.caller, y.caller
	admin.Tenant, admin.Name = second.Seq, "key:second"
	local.Grants = slices.DeleteFunc(slices.Clone(local.Grants), func(g muster.Grant) bool { return g.Privilege == muster.ManageTenants })
	a := access.New(y.store)
	y.t.Cleanup(a.Close)
	if guest, err = a.InTenant(y.t.Context(), operator, "second"); err != nil {
		y.t.Fatal(err)
	}
	return operator, guest, admin, local
}

func refusedFields(t *testing.T, err error) (fields []string) {
	t.Helper()
	for _, fault := range muster.Faults(err) {
		if fault.Code != muster.Forbidden {
			t.Errorf("refused as %s: %v", fault.Code, fault)
		}
		fields = append(fields, fault.Field)
	}
	return fields
}

func TestOnlyOperatorsMakeTargetsThatReachTheMachine(t *testing.T) {
	eachYard(t, func(y *yard) {
		operator, guest, admin, local := y.managers()
		for i, c := range []struct {
			config, policy string
			refused        []string
		}{
			{`{}`, `{}`, nil},
			{`{"path":"/usual"}`, `{"allow":[]}`, nil},
			{`{"path":null}`, `{"allow":null}`, nil},
			{`{}`, `{"allow":[" "]}`, nil},
			{`{}`, `{"allow":["127.0.0.0/8"]}`, []string{"policy.allow"}},
			{`{"path":"/etc/x"}`, `{}`, []string{"config.path"}},
			{`{"path":"/etc/x"}`, `{"allow":["::1"]}`, []string{"policy.allow", "config.path"}},
		} {
			n := provision.NewTarget{Kind: "reaching", Config: json.RawMessage(c.config), Policy: json.RawMessage(c.policy)}
			for name, caller := range map[string]muster.Caller{"operator": operator, "guest": guest, "admin": admin, "local": local} {
				n.Name = name + string(rune('a'+i))
				want := c.refused
				if name == "operator" || name == "guest" {
					want = nil
				}
				if _, err := y.provision.CreateTarget(y.t.Context(), caller, n); !slices.Equal(refusedFields(y.t, err), want) {
					y.t.Errorf("%s with %s %s: %v, want refused %v", name, c.config, c.policy, err, want)
				}
			}
		}
		for _, caller := range []muster.Caller{admin, local} {
			list, err := y.provision.Targets(y.t.Context(), caller)
			if err != nil || slices.ContainsFunc(list, func(v provision.TargetView) bool {
				return v.Name[0] != 'o' && v.Name[0] != 'g' && v.Name[len(v.Name)-1] > 'd'
			}) {
				y.t.Errorf("a target that was refused is there: %+v, %v", list, err)
			}
		}
	})
}

func TestOnlyOperatorsExtendTheReachOfTargets(t *testing.T) {
	eachYard(t, func(y *yard) {
		operator, guest, admin, local := y.managers()
		for who, pair := range map[string][2]muster.Caller{"second tenant": {guest, admin}, "first tenant": {operator, local}} {
			master, manager := pair[0], pair[1]
			made, err := y.provision.CreateTarget(y.t.Context(), master, provision.NewTarget{
				Name: "t", Kind: "reaching", Config: json.RawMessage(`{"path":"/srv/a"}`), Policy: json.RawMessage(`{"allow":["10.0.0.0/8","192.168.1.5"]}`),
			})
			if err != nil {
				y.t.Fatal(err)
			}
			change := func(caller muster.Caller, config, policy string) error {
				_, err := y.provision.ChangeTarget(y.t.Context(), caller, made.ID, provision.TargetChange{Config: json.RawMessage(config), Policy: json.RawMessage(policy)})
				return err
			}
			for _, c := range []struct {
				config, policy string
				refused        []string
			}{ // in this order
				{``, `{"allow":["10.0.0.0/8","192.168.1.5"]}`, nil},
				{`{"path":"/srv/a","word":"w"}`, `{"allow":["192.168.1.5/32","10.0.0.0/8"],"rate":2}`, nil},
				{`{"word":"x"}`, `{"rate":3}`, nil},
				{``, `{"allow":["10.0.0.0/8","192.168.1.5","127.0.0.1"]}`, []string{"policy.allow"}},
				{``, `{"allow":["10.0.0.0/7"]}`, []string{"policy.allow"}},
				{``, `{"allow":["0.0.0.0/0"]}`, []string{"policy.allow"}},
				{``, `{"allow":["::ffff:127.0.0.1"]}`, []string{"policy.allow"}},
				{`{"path":"/srv/b"}`, ``, []string{"config.path"}},
				{`{"path":""}`, `{"allow":["::/0"]}`, []string{"policy.allow", "config.path"}},
				{``, `{"allow":["10.0.0.0/8"]}`, nil},
				{``, `{"allow":["10.0.0.0/8","192.168.1.5"]}`, []string{"policy.allow"}}, // it was taken out
				{``, `{"allow":["10.1.0.0/16"]}`, nil},
				{``, `{"allow":null}`, nil},
				{`{"path":null}`, ``, nil},
				{`{"path":"/srv/a"}`, ``, []string{"config.path"}},
			} {
				if err := change(manager, c.config, c.policy); !slices.Equal(refusedFields(y.t, err), c.refused) {
					y.t.Errorf("%s: %s %s: %v, want refused %v", who, c.config, c.policy, err, c.refused)
				}
			}
			if err := change(master, `{"path":"/srv/b"}`, `{"allow":["127.0.0.0/8"]}`); err != nil {
				y.t.Errorf("%s: the operator: %v", who, err)
			}
		}
	})
}

// What a kind keeps in the process is kept apart by tenant, so it is told whose target it opens.
func TestTargetsAreOpenedForTheirTenant(t *testing.T) {
	eachYard(t, func(y *yard) {
		_, guest, admin, local := y.managers()
		for want, caller := range map[string]muster.Caller{"path /usual of tenant 1.": local, "path /usual of tenant 2.": admin} {
			made, err := y.provision.CreateTarget(y.t.Context(), caller, provision.NewTarget{Name: "t", Kind: "reaching"})
			if err != nil {
				y.t.Fatal(err)
			}
			err = y.provision.CheckTarget(y.t.Context(), caller, made.ID)
			if faults := muster.Faults(err); err == nil || faults[0].Message != want {
				y.t.Errorf("opened with %v, want %q", err, want)
			}
		}
		if guest.Tenant != admin.Tenant {
			y.t.Errorf("the operator is at work in tenant %d", guest.Tenant)
		}
	})
}
