package cli

import (
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/musterid/muster"
)

// settingFlags are settings given on the command line.
type settingFlags struct {
	Set []string `name:"set" sep:"none" placeholder:"NAME=VALUE" help:"A setting; NAME=@FILE reads it from a file, which is the way for secrets. policy.NAME=VALUE sets the pace and what every kind has. May be given several times."`
}

// read gives the settings of the kind and of the policy.
func (f settingFlags) read(s *session, k kindView) (config, policy map[string]any, err error) {
	config, policy = map[string]any{}, map[string]any{}
	for _, one := range f.Set {
		name, value, ok := strings.Cut(one, "=")
		if !ok || name == "" {
			return nil, nil, s.exitf(ExitUsage, "--set %s: it needs the form NAME=VALUE.", one)
		}
		if path, fromFile := strings.CutPrefix(value, "@"); fromFile {
			content, err := os.ReadFile(path)
			if err != nil {
				return nil, nil, s.unreadable(path, err)
			}
			value = strings.TrimRight(string(content), "\r\n")
		}
		if part, ok := strings.CutPrefix(name, "policy."); ok {
			if policy[part], err = shaped(s, name, policyShapes[part], value); err != nil {
				return nil, nil, err
			}
			continue
		}
		if config[name], err = k.value(s, name, value); err != nil {
			return nil, nil, err
		}
	}
	return config, policy, nil
}

// value reads a setting in the shape that its kind wants. What the kind does not have is the server's to refuse.
func (k kindView) value(s *session, name, text string) (any, error) {
	for _, setting := range k.Settings {
		if setting.Name == name {
			return shaped(s, name, setting.Type, text)
		}
	}
	return text, nil
}

// policyShapes says what is read for each field of a policy. It is read from the type that the server reads, so that no field is guessed.
var policyShapes = func() map[string]string {
	shapes := map[string]string{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[muster.TargetPolicy]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch f.Type.Kind() {
		case reflect.Int, reflect.Float64:
			shapes[name] = "number"
		case reflect.Bool:
			shapes[name] = "boolean"
		case reflect.Slice:
			shapes[name] = "list"
		default:
			shapes[name] = "text"
		}
	}
	return shapes
}()

// shaped reads a text as a value of a shape. A shape that is not known is a text.
func shaped(s *session, name, shape, text string) (any, error) {
	switch shape {
	case "number":
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, s.exitf(ExitUsage, "--set %s: %q is not a number.", name, text)
		}
		return n, nil
	case "boolean":
		b, err := strconv.ParseBool(text)
		if err != nil {
			return nil, s.exitf(ExitUsage, "--set %s: %q is neither true nor false.", name, text)
		}
		return b, nil
	case "list":
		return listed(text), nil
	case "map":
		return mapped(s, name, text)
	}
	return text, nil
}

// listed reads a,b,c.
func listed(text string) []string {
	list := []string{}
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// mapped reads a:x,b:y.
func mapped(s *session, name, text string) (map[string]string, error) {
	m := map[string]string{}
	for _, part := range listed(text) {
		key, value, ok := strings.Cut(part, ":")
		if !ok {
			return nil, s.exitf(ExitUsage, "--set %s: it needs the form KEY:VALUE,KEY:VALUE.", name)
		}
		m[key] = value
	}
	return m, nil
}
