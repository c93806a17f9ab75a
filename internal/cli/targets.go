package cli

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/musterid/muster/internal/cli/client"
)

type targetsCommand struct {
	remote
	Kinds  targetsKinds  `cmd:"" help:"List the kinds of outside systems, or what one kind is set by."`
	List   targetsList   `cmd:"" help:"List targets."`
	Add    targetsAdd    `cmd:"" help:"Add a target and try it."`
	Show   targetsShow   `cmd:"" help:"Show the settings of a target. Secrets are masked."`
	Set    targetsSet    `cmd:"" help:"Change settings of a target."`
	Check  targetsCheck  `cmd:"" help:"Try whether a target can be reached with its credentials. Nothing is changed there."`
	Look   targetsLook   `cmd:"" help:"Ask a target now how far people have come in activating their accounts."`
	Pause  targetsPause  `cmd:"" help:"Send nothing to a target until it is resumed."`
	Resume targetsResume `cmd:"" help:"Let a target go on."`
	Delete targetsDelete `cmd:"" help:"Forget a target. The accounts over there stay as they are."`
}

// targetArgument is which target.
type targetArgument struct {
	Name string `arg:"" placeholder:"NAME" help:"The target's name or id."`
}

func (a targetArgument) path(s *session, rest ...string) (string, error) {
	id, err := s.targetID(a.Name)
	return escaped(append([]string{"targets", id}, rest...)...), err
}

func (s *session) targetID(ref string) (string, error) {
	if isID(ref) {
		return ref, nil
	}
	return lookUp(s, "/v1/targets", nil, "target", ref, func(t targetView) bool { return strings.EqualFold(t.Name, ref) }, func(t targetView) string { return t.ID })
}

type kindView struct {
	Name     string        `json:"name"`
	Label    string        `json:"label"`
	Settings []settingView `json:"settings"`
}

type settingView struct {
	Name     string   `json:"name"`
	Label    string   `json:"label"`
	Help     string   `json:"help"`
	Type     string   `json:"type"`
	Choices  []string `json:"choices"`
	Required bool     `json:"required"`
	Secret   bool     `json:"secret"`
	Default  any      `json:"default"`
}

type targetsKinds struct {
	Kind string `arg:"" optional:"" placeholder:"KIND" help:"Show the settings of this kind."`
}

func (c *targetsKinds) Run(s *session) error {
	if c.Kind == "" {
		return listing(s, "/v1/target-kinds", nil, client.Whole, []string{"kind", "label", "settings"}, func(k kindView) []string {
			return []string{k.Name, k.Label, strconv.Itoa(len(k.Settings))}
		})
	}
	k, raw, err := s.kind(c.Kind)
	if err != nil || s.JSON {
		return answer(s, raw, err, func(kindView) {})
	}
	t := newTable(s.out, s.t.Text("setting"), s.t.Text("value"), s.t.Text("default"), s.t.Text("meaning"))
	for _, setting := range k.Settings {
		shape := setting.Type
		if len(setting.Choices) > 0 {
			shape = strings.Join(setting.Choices, "|")
		}
		for _, mark := range []struct {
			on   bool
			text string
		}{{setting.Required, "required"}, {setting.Secret, "secret"}} {
			if mark.on {
				shape += ", " + s.t.Text(mark.text)
			}
		}
		preset := ""
		if setting.Default != nil {
			preset = word(setting.Default)
		}
		t.row(setting.Name, shape, preset, setting.Help)
	}
	return t.flush()
}

// kind gives what a kind is set by.
func (s *session) kind(name string) (found kindView, raw json.RawMessage, err error) {
	server, err := s.connect()
	if err != nil {
		return found, nil, err
	}
	var names []string
	_, err = server.Each(s.ctx, "/v1/target-kinds", nil, client.Whole, func(one json.RawMessage) error {
		k, err := as[kindView](one)
		if names = append(names, k.Name); k.Name == name {
			found, raw = k, one
		}
		return err
	})
	if err == nil && raw == nil {
		err = s.exitf(ExitUsage, "There is no kind %q. The kinds are %s.", name, strings.Join(names, ", "))
	}
	return found, raw, err
}

type targetsList struct{ listFlags }

func (c *targetsList) Run(s *session) error {
	return listing(s, "/v1/targets", nil, c.most(s), []string{"name", "kind", "state", "message", "id"}, func(t targetView) []string {
		return []string{t.Name, t.Kind, s.t.Text(t.state()), s.t.Text(t.Message), t.ID}
	})
}

func (t targetView) state() string {
	switch {
	case t.Paused:
		return "paused"
	case t.Message != "":
		return "troubled"
	}
	return "running"
}

type targetsAdd struct {
	Kind string `arg:"" placeholder:"KIND" help:"The kind, as targets kinds lists them."`
	Name string `arg:"" placeholder:"NAME" help:"What it is called here."`
	settingFlags
	NoCheck bool `name:"no-check" help:"Do not try it."`
}

func (c *targetsAdd) Run(s *session) error {
	k, _, err := s.kind(c.Kind)
	if err != nil {
		return err
	}
	config, policy, err := c.read(s, k)
	if err != nil {
		return err
	}
	raw, err := s.call(http.MethodPost, "/v1/targets", nil, map[string]any{"name": c.Name, "kind": c.Kind, "config": config, "policy": policy})
	err = answer(s, raw, err, func(t targetView) { s.printf("The target %s is there.", t.Name) })
	if err != nil || c.NoCheck {
		return err
	}
	t, err := as[targetView](raw)
	if err != nil {
		return err
	}
	return s.check(t.ID, t.Name)
}

// check tries a target and says what came of it.
func (s *session) check(id, name string) error {
	server, err := s.connect()
	if err != nil {
		return err
	}
	raw, err := client.Call[json.RawMessage](s.ctx, server, http.MethodPost, escaped("targets", id, "check"), nil, nil)
	if err != nil {
		return err
	}
	outcome, err := as[checkView](raw)
	switch {
	case err != nil:
		return err
	case s.JSON:
		if err := s.printJSON(raw); err != nil {
			return err
		}
	case outcome.OK:
		s.printf("%s answers.", name)
	}
	if !outcome.OK {
		return s.exitf(ExitFailed, "%s: %s", name, outcome.Message)
	}
	return nil
}

type checkView struct {
	OK      bool   `json:"ok"`
	Message string `json:"message"`
}

type targetsShow struct{ targetArgument }

func (c *targetsShow) Run(s *session) error {
	path, err := c.path(s)
	if err != nil {
		return err
	}
	raw, err := s.get(path, nil)
	return answer(s, raw, err, func(t targetView) {
		pairs := []string{"name", t.Name, "kind", t.Kind, "state", s.t.Text(t.state()), "message", s.t.Text(t.Message), "id", t.ID}
		pairs = append(pairs, flat("", t.Config)...)
		facts(s.out, "", append(pairs, flat("policy", t.Policy)...)...)
	})
}

type targetsSet struct {
	targetArgument
	settingFlags
	Rename string `placeholder:"NAME" help:"Call it this from now on."`
}

func (c *targetsSet) Run(s *session) error {
	path, err := c.path(s)
	if err != nil {
		return err
	}
	raw, err := s.get(path, nil)
	if err != nil {
		return err
	}
	t, err := as[targetView](raw)
	if err != nil {
		return err
	}
	k, _, err := s.kind(t.Kind)
	if err != nil {
		return err
	}
	config, policy, err := c.read(s, k)
	if err != nil {
		return err
	}
	body := map[string]any{}
	for name, value := range map[string]map[string]any{"config": config, "policy": policy} {
		if len(value) > 0 {
			body[name] = value
		}
	}
	if c.Rename != "" {
		body["name"] = c.Rename
	}
	if len(body) == 0 {
		return s.exitf(ExitUsage, "Say what is to be different, with --set NAME=VALUE or --rename NAME.")
	}
	raw, err = s.call(http.MethodPatch, path, nil, body)
	return answer(s, raw, err, func(t targetView) { s.printf("The target %s is changed.", t.Name) })
}

type targetsCheck struct{ targetArgument }

func (c *targetsCheck) Run(s *session) error {
	id, err := s.targetID(c.Name)
	if err != nil {
		return err
	}
	return s.check(id, c.Name)
}

type targetsLook struct{ targetArgument }

func (c *targetsLook) Run(s *session) error {
	path, err := c.path(s, "look")
	if err != nil {
		return err
	}
	raw, err := s.call(http.MethodPost, path, nil, nil)
	return answer(s, raw, err, func(t targetView) {
		s.printf("%s is being asked; see: muster accounts list --target %s", t.Name, t.Name)
	})
}

type targetsPause struct{ targetArgument }

func (c *targetsPause) Run(s *session) error {
	path, err := c.path(s, "pause")
	if err != nil {
		return err
	}
	raw, err := s.call(http.MethodPost, path, nil, nil)
	return answer(s, raw, err, func(t targetView) { s.printf("%s is paused. What is owed to it waits.", t.Name) })
}

type targetsResume struct{ targetArgument }

func (c *targetsResume) Run(s *session) error {
	path, err := c.path(s, "resume")
	if err != nil {
		return err
	}
	raw, err := s.call(http.MethodPost, path, nil, nil)
	return answer(s, raw, err, func(t targetView) { s.printf("%s goes on.", t.Name) })
}

type targetsDelete struct{ targetArgument }

func (c *targetsDelete) Run(s *session) error {
	path, err := c.path(s)
	if err != nil {
		return err
	}
	return s.remove(path, nil, "The target %s is forgotten. Its accounts over there stay as they are.", c.Name)
}
