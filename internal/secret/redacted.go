package secret

import (
	"fmt"
	"log/slog"
)

// Mask is shown in place of every secret. A form that sends it back means: unchanged.
const Mask = "[redacted]"

// Redacted is a secret that says nothing when it is printed, logged or encoded; Reveal gives it. It is decoded like any string. Keep it in
// exported fields, and out of the keys of maps: fmt cannot call the methods of values in unexported fields and would print those, and
// encoding/json writes a key of any string type as it is.
type Redacted string

// Reveal gives the secret itself.
func (r Redacted) Reveal() string { return string(r) }

// String implements fmt.Stringer.
func (r Redacted) String() string { return Mask }

// Format implements fmt.Formatter for every verb, %q, %x and %#v included.
func (r Redacted) Format(s fmt.State, _ rune) { fmt.Fprint(s, Mask) }

// LogValue implements slog.LogValuer.
func (r Redacted) LogValue() slog.Value { return slog.StringValue(Mask) }

// MarshalJSON implements json.Marshaler.
func (r Redacted) MarshalJSON() ([]byte, error) { return []byte(`"` + Mask + `"`), nil }

// MarshalText does the same for the encodings that ask for text, such as YAML and XML.
func (r Redacted) MarshalText() ([]byte, error) { return []byte(Mask), nil }
