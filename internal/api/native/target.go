package native

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/provision"
)

// Target is a configured outside system.
type Target struct {
	ID        uuid.UUID           `json:"id" format:"uuid"`
	Version   int64               `json:"version"`
	Name      string              `json:"name" example:"intranet"`
	Kind      string              `json:"kind" example:"ldap"`
	Config    map[string]any      `json:"config" doc:"The kind's settings; secrets are masked. A mask that is sent back keeps the secret."`
	Policy    muster.TargetPolicy `json:"policy" doc:"Pace, limits, and what becomes of the accounts of people who go."`
	Paused    bool                `json:"paused"`
	Failures  int                 `json:"failures,omitempty" doc:"In a row, of the target as a whole."`
	Until     *time.Time          `json:"until,omitempty" doc:"The target is left alone until then."`
	Message   string              `json:"message,omitempty" doc:"Why."`
	CreatedAt time.Time           `json:"created_at"`
	UpdatedAt time.Time           `json:"updated_at"`
}

// TargetOut answers with one target.
type TargetOut struct {
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     Target
}

func targetView(t *provision.TargetView) (Target, error) {
	v := Target{
		ID: t.ID, Version: t.Version, Name: t.Name, Kind: t.Kind, Policy: t.Policy, Paused: t.Paused, Failures: t.Failures, Until: moment(t.Until), Message: t.Message,
		CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt,
	}
	return v, json.Unmarshal(t.Config, &v.Config)
}

func oneTarget(t provision.TargetView, err error) (*TargetOut, error) {
	if err != nil {
		return nil, err
	}
	v, err := targetView(&t)
	if err != nil {
		return nil, err
	}
	return &TargetOut{ETag: etag(t.Version), Location: "/v1/targets/" + t.ID.String(), Body: v}, nil
}

func (s *surface) targets() {
	handle(s, op(http.MethodGet, "/v1/target-kinds", "list-target-kinds", "List kinds of targets", "The kinds of outside systems there are, with what each is set by."), s.listKinds)
	handle(s, op(http.MethodGet, "/v1/targets", "list-targets", "List targets", "All targets of the tenant, by name."), s.listTargets)
	handle(s, op(http.MethodPost, "/v1/targets", "create-target", "Make a target",
		"Adds an outside system. Its settings are checked for form; `POST /v1/targets/{target}/check` tries them. People who are enrolled or changed from now on get accounts there.",
		creates), s.createTarget)
	handle(s, op(http.MethodGet, "/v1/targets/{target}", "get-target", "Get a target", "One target."), s.getTarget)
	handle(s, op(http.MethodPatch, "/v1/targets/{target}", "change-target", "Change a target", "A JSON merge patch; settings and policy are merged one by one. A secret that is sent back masked stays as it is."), s.changeTarget)
	handle(s, op(http.MethodDelete, "/v1/targets/{target}", "delete-target", "Forget a target", "Forgets the target and what is known of its accounts. The accounts over there stay as they are."), s.deleteTarget)
	handle(s, op(http.MethodPost, "/v1/targets/{target}/check", "check-target", "Try a target", "Proves that the target can be reached and worked with, and changes nothing there. What is wrong is told in `message`."), s.checkTarget)
	handle(s, op(http.MethodPost, "/v1/targets/{target}/look", "look-at-target", "Read activations back now",
		"Asks the target how far people have come in activating their accounts, at once instead of when its turn comes. The accounts show it some moments later."), s.lookAtTarget)
	handle(s, op(http.MethodPost, "/v1/targets/{target}/pause", "pause-target", "Pause a target", "Nothing is delivered until it is resumed; what is owed is kept."), s.pause(true))
	handle(s, op(http.MethodPost, "/v1/targets/{target}/resume", "resume-target", "Resume a target", "Delivers what is owed."), s.pause(false))
}

// OneTarget names a target in the path.
type OneTarget struct {
	Target string `path:"target" doc:"The target's id."`
}

// TargetKind describes a kind of target.
type TargetKind struct {
	Name     string    `json:"name" example:"ldap"`
	Label    string    `json:"label" example:"LDAP directory"`
	Settings []Setting `json:"settings"`
}

// Setting describes one setting of a kind.
type Setting struct {
	Name     string   `json:"name"`
	Label    string   `json:"label"`
	Help     string   `json:"help,omitempty"`
	Type     string   `json:"type" enum:"text,lines,choice,number,boolean,list,map"`
	Choices  []string `json:"choices,omitempty"`
	Required bool     `json:"required,omitempty"`
	Secret   bool     `json:"secret,omitempty" doc:"Stored sealed, and shown masked."`
	Address  bool     `json:"address,omitempty" doc:"Changing it asks for the secrets again."`
	Operator bool     `json:"operator,omitempty" doc:"Only operators of the installation may set it: callers of its first tenant with the privilege tenants.manage."`
	Default  any      `json:"default,omitempty"`
}

func (s *surface) listKinds(context.Context, muster.Caller, *struct{}) (*struct{ Body Page[TargetKind] }, error) {
	kinds := s.Provision.Kinds()
	out := &struct{ Body Page[TargetKind] }{}
	out.Body.Items = make([]TargetKind, len(kinds))
	for i, k := range kinds {
		v := TargetKind{Name: k.Name, Label: k.Label, Settings: make([]Setting, len(k.Settings))}
		for n, o := range k.Settings {
			v.Settings[n] = Setting{
				Name: o.Name, Label: o.Label, Help: o.Help, Type: string(o.Type), Choices: o.Choices, Required: o.Required, Secret: o.Secret, Address: o.Address,
				Operator: o.Operator, Default: o.Default,
			}
		}
		out.Body.Items[i] = v
	}
	return out, nil
}

func (s *surface) listTargets(ctx context.Context, caller muster.Caller, in *Paging) (*struct{ Body Page[Target] }, error) {
	at, err := in.open("targets")
	if err != nil {
		return nil, err
	}
	list, err := s.Provision.Targets(ctx, caller)
	if err != nil {
		return nil, err
	}
	from := min(int(at.Seq), len(list))
	rest := list[from:]
	views := make([]Target, len(rest))
	for i := range rest {
		if views[i], err = targetView(&rest[i]); err != nil {
			return nil, err
		}
	}
	page := &struct{ Body Page[Target] }{Page[Target]{Items: views[:min(in.Limit, len(views))]}}
	if len(views) > in.Limit {
		at.Seq = int64(from + in.Limit)
		page.Body.NextCursor = ptr(at.String())
	}
	return page, nil
}

// TargetIn is a target to be made.
type TargetIn struct {
	Body struct {
		Name   string         `json:"name" required:"true" example:"intranet"`
		Kind   string         `json:"kind" required:"true" example:"ldap"`
		Config map[string]any `json:"config,omitempty" doc:"The kind's settings, as GET /v1/target-kinds describes them."`
		Policy map[string]any `json:"policy,omitempty" doc:"What is absent has its default."`
		Paused bool           `json:"paused,omitempty"`
	}
}

func (s *surface) createTarget(ctx context.Context, caller muster.Caller, in *TargetIn) (*TargetOut, error) {
	config, err := raw(in.Body.Config)
	if err != nil {
		return nil, err
	}
	policy, err := raw(in.Body.Policy)
	if err != nil {
		return nil, err
	}
	return oneTarget(s.Provision.CreateTarget(ctx, caller, provision.NewTarget{Name: in.Body.Name, Kind: in.Body.Kind, Config: config, Policy: policy, Paused: in.Body.Paused}))
}

// within says whether all that stands in part stands in whole too.
func within(part, whole map[string]any) bool {
	for name, value := range part {
		if has, there := whole[name]; !there || !reflect.DeepEqual(value, has) {
			return false
		}
	}
	return true
}

// raw gives an object as JSON; nil when there is none.
func raw(object map[string]any) (json.RawMessage, error) {
	if object == nil {
		return nil, nil
	}
	return json.Marshal(object)
}

func (s *surface) getTarget(ctx context.Context, caller muster.Caller, in *OneTarget) (*TargetOut, error) {
	id, err := idOf("target", in.Target)
	if err != nil {
		return nil, err
	}
	return oneTarget(s.Provision.Target(ctx, caller, id))
}

// TargetPatch changes a target.
type TargetPatch struct {
	OneTarget
	IfMatch
	Body struct {
		Name     Maybe[string]  `json:"name,omitempty"`
		Config   map[string]any `json:"config,omitempty"`
		Policy   map[string]any `json:"policy,omitempty"`
		Paused   Maybe[bool]    `json:"paused,omitempty"`
		Kind     string         `json:"kind,omitempty" doc:"It never changes; it may be sent back as it was read."`
		Failures any            `json:"failures,omitempty" doc:"May be sent back as it was read."`
		Until    any            `json:"until,omitempty" doc:"May be sent back as it was read."`
		Message  any            `json:"message,omitempty" doc:"May be sent back as it was read."`
		ReadBack
	}
}

func (s *surface) changeTarget(ctx context.Context, caller muster.Caller, in *TargetPatch) (*TargetOut, error) {
	id, version, err := in.about("target", in.Target)
	if err != nil {
		return nil, err
	}
	b := in.Body
	version = b.guard(version)
	if b.any() || b.Kind != "" || b.Config != nil {
		t, err := s.Provision.Target(ctx, caller, id)
		if err != nil {
			return nil, err
		}
		faults := b.check(t.ID, 0, t.CreatedAt, t.UpdatedAt)
		if b.Kind != "" && b.Kind != t.Kind {
			faults = append(faults, muster.Errorf(muster.ReadOnly, "kind", "The kind of a target never changes."))
		}
		if len(faults) > 0 && (version == 0 || version == t.Version) {
			return nil, faults
		}
		shown, err := targetView(&t)
		if err != nil {
			return nil, err
		}
		if within(b.Config, shown.Config) {
			b.Config = nil // as it was read, with its masks
		}
	}
	c := provision.TargetChange{Name: b.Name.pointer(), Paused: b.Paused.pointer(), Version: version}
	if c.Config, err = raw(b.Config); err != nil {
		return nil, err
	}
	if c.Policy, err = raw(b.Policy); err != nil {
		return nil, err
	}
	return oneTarget(s.Provision.ChangeTarget(ctx, caller, id, c))
}

func (s *surface) deleteTarget(ctx context.Context, caller muster.Caller, in *OneTarget) (*struct{}, error) {
	id, err := idOf("target", in.Target)
	if err != nil {
		return nil, err
	}
	return &struct{}{}, s.Provision.DeleteTarget(ctx, caller, id)
}

// CheckOut answers whether a target can be worked with.
type CheckOut struct {
	Body struct {
		OK      bool   `json:"ok"`
		Message string `json:"message,omitempty" doc:"What is wrong."`
	}
}

// checkTarget answers 200 also when the target is down: that was the question.
func (s *surface) checkTarget(ctx context.Context, caller muster.Caller, in *OneTarget) (*CheckOut, error) {
	id, err := idOf("target", in.Target)
	if err != nil {
		return nil, err
	}
	err = s.Provision.CheckTarget(ctx, caller, id)
	out := &CheckOut{}
	out.Body.OK = err == nil
	if muster.CodeOf(err) == muster.Unavailable {
		out.Body.Message, err = muster.Faults(err)[0].Message, nil
	}
	return out, err
}

func (s *surface) lookAtTarget(ctx context.Context, caller muster.Caller, in *OneTarget) (*TargetOut, error) {
	id, err := idOf("target", in.Target)
	if err != nil {
		return nil, err
	}
	if err := s.Provision.Look(ctx, caller, id); err != nil {
		return nil, err
	}
	return oneTarget(s.Provision.Target(ctx, caller, id))
}

func (s *surface) pause(paused bool) func(context.Context, muster.Caller, *OneTarget) (*TargetOut, error) {
	return func(ctx context.Context, caller muster.Caller, in *OneTarget) (*TargetOut, error) {
		id, err := idOf("target", in.Target)
		if err != nil {
			return nil, err
		}
		return oneTarget(s.Provision.ChangeTarget(ctx, caller, id, provision.TargetChange{Paused: &paused}))
	}
}
