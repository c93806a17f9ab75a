package connector

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/musterid/muster"
)

// Redacted stands in for a secret wherever settings are shown. Sending it back keeps the stored secret (see Merge).
const Redacted = "********"

// SettingType is the shape of a setting's value, and so what a form draws for it.
type SettingType string

const (
	TextSetting    SettingType = "text"
	LinesSetting   SettingType = "lines" // a text of several lines, such as a certificate
	ChoiceSetting  SettingType = "choice"
	NumberSetting  SettingType = "number"
	BooleanSetting SettingType = "boolean"
	ListSetting    SettingType = "list" // of texts
	MapSetting     SettingType = "map"  // text to text
)

// Setting describes one setting of a kind. It is read from the tags of a field of the kind's settings struct:
//
//	json:"name"          the name, on the wire and in messages
//	label:"…" help:"…"   what a form shows
//	required:"true"      an empty value is refused
//	secret:"true"        a text that is shown as Redacted
//	address:"true"       says where secrets are sent to: changing it asks for them again
//	operator:"true"      reaches the machine that Muster runs on: only operators may set it (see Reserved)
//	choices:"a,b"        the words allowed
//	lines:"true"         a text of several lines
type Setting struct {
	Name     string      `json:"name"`
	Label    string      `json:"label"`
	Help     string      `json:"help,omitempty"`
	Type     SettingType `json:"type"`
	Choices  []string    `json:"choices,omitempty"`
	Required bool        `json:"required,omitempty"`
	Secret   bool        `json:"secret,omitempty"`
	Address  bool        `json:"address,omitempty"`
	Operator bool        `json:"operator,omitempty"`
	Default  any         `json:"default,omitempty"`

	index []int // of the field in the struct
}

// Validator is a settings struct with rules beyond the shape of single values. The Field of an error it gives is the bare name of a setting.
type Validator interface {
	Validate() error
}

// Describe lists the settings of a kind in the order of its struct; config is what Kind.Config gives, whose values are the defaults.
func Describe(config any) []Setting {
	value := reflect.Indirect(reflect.ValueOf(config))
	var settings []Setting
	for _, f := range reflect.VisibleFields(value.Type()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || !f.IsExported() || name == "" || name == "-" {
			continue
		}
		s := Setting{
			Name: name, Label: f.Tag.Get("label"), Help: f.Tag.Get("help"), Type: typeOf(f),
			Required: f.Tag.Get("required") == "true", Secret: f.Tag.Get("secret") == "true", Address: f.Tag.Get("address") == "true",
			Operator: f.Tag.Get("operator") == "true",
			index:    f.Index,
		}
		if choices := f.Tag.Get("choices"); choices != "" {
			s.Choices = strings.Split(choices, ",")
		}
		if v := value.FieldByIndex(f.Index); !v.IsZero() && !s.Secret {
			s.Default = v.Interface()
		}
		settings = append(settings, s)
	}
	return settings
}

func typeOf(f reflect.StructField) SettingType {
	switch f.Type.Kind() {
	case reflect.Bool:
		return BooleanSetting
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		return NumberSetting
	case reflect.Slice:
		return ListSetting
	case reflect.Map:
		return MapSetting
	}
	switch {
	case f.Tag.Get("choices") != "":
		return ChoiceSetting
	case f.Tag.Get("lines") == "true":
		return LinesSetting
	}
	return TextSetting
}

// Decode reads settings over the kind's defaults and gives the kind's own struct, a pointer as from Kind.Config. It is strict: a setting that
// the kind does not have, a value of another type and a required one that is missing are errors with the field config.NAME, all found at once.
// A null leaves the default.
func Decode(kind Kind, raw json.RawMessage) (any, error) {
	given, err := object(raw)
	if err != nil {
		return nil, err
	}
	config := kind.Config()
	value := reflect.ValueOf(config).Elem()
	settings := Describe(config)
	faults := unknown(kind, settings, given)
	for _, s := range settings {
		v, ok := given[s.Name]
		if ok && !null(v) {
			if fault := s.decode(v, value.FieldByIndex(s.index)); fault != nil {
				faults = append(faults, fault)
				continue
			}
		}
		if s.Required && value.FieldByIndex(s.index).IsZero() {
			faults = append(faults, muster.Errorf(muster.Required, "config."+s.Name, "The setting %s must be given.", s.Name))
		}
	}
	if len(faults) > 0 {
		return nil, faults
	}
	if v, ok := config.(Validator); ok {
		if err := v.Validate(); err != nil {
			return nil, inConfig(err)
		}
	}
	return config, nil
}

// decode puts a JSON value into the struct's field. Messages never repeat the value: it may be a secret in the wrong place.
func (s Setting) decode(raw json.RawMessage, into reflect.Value) *muster.Error {
	if err := json.Unmarshal(raw, into.Addr().Interface()); err != nil {
		return muster.Errorf(muster.Invalid, "config."+s.Name, "%s is expected for the setting %s.", expected[s.Type], s.Name)
	}
	if s.Secret && into.String() == Redacted {
		return muster.Errorf(muster.Required, "config."+s.Name, "The setting %s has no stored value yet; enter the secret itself.", s.Name)
	}
	if len(s.Choices) > 0 {
		for _, c := range s.Choices {
			if into.String() == c {
				return nil
			}
		}
		return muster.Errorf(muster.Invalid, "config."+s.Name, "The setting %s is one of: %s.", s.Name, strings.Join(s.Choices, ", "))
	}
	return nil
}

var expected = map[SettingType]string{
	TextSetting: "A text", LinesSetting: "A text", ChoiceSetting: "A text", NumberSetting: "A number",
	BooleanSetting: "true or false", ListSetting: "A list of texts", MapSetting: "An object whose values are texts",
}

// Redact gives settings as JSON, in the order of the struct, with every secret that is set replaced by Redacted.
func Redact(config any) (json.RawMessage, error) {
	value := reflect.Indirect(reflect.ValueOf(config))
	var out bytes.Buffer
	out.WriteByte('{')
	for i, s := range Describe(config) {
		if i > 0 {
			out.WriteByte(',')
		}
		v := value.FieldByIndex(s.index)
		shown := v.Interface()
		if s.Secret && !v.IsZero() {
			shown = Redacted
		}
		name, _ := json.Marshal(s.Name)
		text, err := json.Marshal(shown)
		if err != nil {
			return nil, err
		}
		out.Write(name)
		out.WriteByte(':')
		out.Write(text)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// Merge gives stored settings with an update laid over them: a setting that the update does not name stays, null sets it back to its default,
// and a secret sent back as Redacted stays as it is stored. When a setting that says where secrets go changes, secrets must be sent again:
// otherwise whoever may edit a target could have its password sent to a machine of their own. The result still has to pass Decode.
func Merge(kind Kind, stored, update json.RawMessage) (json.RawMessage, error) {
	old, err := object(stored)
	if err != nil {
		return nil, err
	}
	given, err := object(update)
	if err != nil {
		return nil, err
	}
	config := kind.Config()
	settings := Describe(config)
	if faults := unknown(kind, settings, given); len(faults) > 0 {
		return nil, faults
	}
	merged := make(map[string]json.RawMessage, len(old)+len(given))
	maps.Copy(merged, old)
	var kept []Setting
	moved := false
	for _, s := range settings {
		v, named := given[s.Name]
		if s.Secret && (!named || string(v) == `"`+Redacted+`"`) {
			if held, ok := old[s.Name]; ok && !null(held) && string(held) != `""` {
				kept = append(kept, s)
			} else if named {
				merged[s.Name] = v // Decode says that there is nothing stored
			}
			continue
		}
		if !named {
			continue
		}
		moved = moved || s.Address && !s.same(old[s.Name], v)
		if delete(merged, s.Name); !null(v) {
			merged[s.Name] = v
		}
	}
	if moved && len(kept) > 0 {
		var faults muster.Errors
		for _, s := range kept {
			faults = append(faults, muster.Errorf(muster.Required, "config."+s.Name,
				"The address changes, so the setting %s must be entered again.", s.Name))
		}
		return nil, faults
	}
	return json.Marshal(merged)
}

// same compares two values of a setting; what is not given is the default.
func (s Setting) same(a, b json.RawMessage) bool {
	return reflect.DeepEqual(s.plain(a), s.plain(b))
}

func (s Setting) plain(raw json.RawMessage) any {
	if raw == nil || null(raw) {
		raw, _ = json.Marshal(s.Default)
	}
	var v any
	if json.Unmarshal(raw, &v) != nil || v == nil {
		return ""
	}
	return v
}

// Reserved names the settings of operators that a change sets to something new; before and after are settings as Decode gives them. Setting one
// back to its default is nothing new.
func Reserved(kind Kind, before, after any) (names []string) {
	preset := kind.Config()
	for _, s := range Describe(preset) {
		if s.Operator && !s.equal(after, before) && !s.equal(after, preset) {
			names = append(names, s.Name)
		}
	}
	return names
}

// equal compares what two settings structs have for a setting.
func (s Setting) equal(a, b any) bool {
	x, y := reflect.ValueOf(a).Elem().FieldByIndex(s.index), reflect.ValueOf(b).Elem().FieldByIndex(s.index)
	return reflect.DeepEqual(x.Interface(), y.Interface())
}

func object(raw json.RawMessage) (map[string]json.RawMessage, error) {
	if len(bytes.TrimSpace(raw)) == 0 || null(raw) {
		return nil, nil
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(raw, &given); err != nil {
		return nil, muster.Errorf(muster.Invalid, "config", "The settings of a target are a JSON object.")
	}
	return given, nil
}

func null(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

func unknown(kind Kind, settings []Setting, given map[string]json.RawMessage) muster.Errors {
	known := make(map[string]bool, len(settings))
	names := make([]string, len(settings))
	for i, s := range settings {
		known[s.Name], names[i] = true, s.Name
	}
	var faults muster.Errors
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !known[name] {
			faults = append(faults, muster.Errorf(muster.Unsupported, "config."+name,
				"A target of kind %s has no setting %s. It has: %s.", kind.Name, name, strings.Join(names, ", ")))
		}
	}
	return faults
}

func inConfig(err error) error {
	faults := muster.Faults(err)
	moved := make(muster.Errors, len(faults))
	for i, f := range faults {
		e := *f
		if e.Code != muster.Internal {
			e.Field = strings.TrimSuffix("config."+e.Field, ".")
		}
		moved[i] = &e
	}
	return moved
}
