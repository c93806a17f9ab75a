package edconnekt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/api"
)

// checks reads the parts of a request as FastAPI does and collects what is wrong, so that one answer tells all of it (contract §7).
type checks struct {
	s      *surface
	w      http.ResponseWriter
	r      *http.Request
	query  url.Values
	faults malformed
}

func (c *checks) fault(loc []any, kind, msg string, input any, ctx map[string]any) {
	c.faults = append(c.faults, fault{Loc: loc, Type: kind, Msg: msg, Input: input, Ctx: ctx})
}

// err is every fault so far, or nil.
func (c *checks) err() error {
	if len(c.faults) == 0 {
		return nil
	}
	return c.faults
}

// values are the query's parameters. Of a broken query only what can be read counts.
func (c *checks) values() url.Values {
	if c.query == nil {
		c.query = c.r.URL.Query()
	}
	return c.query
}

// last gives the last value of a parameter, as FastAPI takes it.
func (c *checks) last(name string) (string, bool) {
	list := c.values()[name]
	if len(list) == 0 {
		return "", false
	}
	return list[len(list)-1], true
}

// pathID reads a UUID of the path.
func (c *checks) pathID(name string) uuid.UUID {
	return c.id([]any{"path", name}, c.r.PathValue(name))
}

func (c *checks) id(loc []any, text string) uuid.UUID {
	id, why := parseUUID(text)
	if why != "" {
		c.fault(loc, "uuid_parsing", "Input should be a valid UUID, "+why, shown(text), map[string]any{"error": why})
	}
	return id
}

// parseUUID reads a UUID as Pydantic does: in any case, without hyphens, as a URN or in braces. why is "" when it is one.
func parseUUID(text string) (id uuid.UUID, why string) {
	switch len(text) {
	case 32, 36, 38, 45:
	default:
		return id, fmt.Sprintf("invalid length: expected length 32 for simple format, found %d", utf8.RuneCountInString(text))
	}
	if id, err := uuid.Parse(strings.TrimSpace(text)); err == nil {
		return id, ""
	}
	return uuid.UUID{}, "invalid character"
}

const most = math.MaxInt

// number reads an integer of the query, within bounds that the contract has.
func (c *checks) number(name string, otherwise, least, atMost int) int {
	text, there := c.last(name)
	if !there {
		return otherwise
	}
	loc := []any{"query", name}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if errors.Is(err, strconv.ErrRange) {
		n, err = most, nil
		if strings.HasPrefix(strings.TrimSpace(text), "-") {
			n = -most
		}
	}
	switch {
	case err != nil:
		c.fault(loc, "int_parsing", "Input should be a valid integer, unable to parse string as an integer", shown(text), nil)
	case n < least:
		c.fault(loc, "greater_than_equal", fmt.Sprintf("Input should be greater than or equal to %d", least), shown(text), map[string]any{"ge": least})
	case n > atMost:
		c.fault(loc, "less_than_equal", fmt.Sprintf("Input should be less than or equal to %d", atMost), shown(text), map[string]any{"le": atMost})
	}
	return n
}

// text reads a text of the query. One that is required and absent is a fault; an empty one is not.
func (c *checks) text(name string, required bool) string {
	text, there := c.last(name)
	if !there && required {
		c.fault([]any{"query", name}, "missing", "Field required", nil, nil)
	}
	c.whole([]any{"query", name}, text)
	return text
}

// whole refuses a text that no database takes.
func (c *checks) whole(loc []any, text string) bool {
	if utf8.ValidString(text) && !strings.ContainsRune(text, 0) {
		return true
	}
	c.fault(loc, "string_unicode", "Input should be a valid string, unable to parse raw data as a unicode string", nil, nil)
	return false
}

// oneOf reads a word of the query that has to be one of some; "" when it is absent.
func (c *checks) oneOf(name, otherwise string, words ...string) string {
	text, there := c.last(name)
	if !there {
		return otherwise
	}
	for _, word := range words {
		if text == word {
			return word
		}
	}
	pattern := "^(" + strings.Join(words, "|") + ")$"
	c.fault([]any{"query", name}, "string_pattern_mismatch", "String should match pattern '"+pattern+"'", shown(text), map[string]any{"pattern": pattern})
	return otherwise
}

// flag reads a truth value of the query; nil when it is absent.
func (c *checks) flag(name string) *bool {
	text, there := c.last(name)
	if !there {
		return nil
	}
	var value bool
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "1", "yes", "on", "t", "y":
		value = true
	case "false", "0", "no", "off", "f", "n":
	default:
		c.fault([]any{"query", name}, "bool_parsing", "Input should be a valid boolean, unable to interpret input", shown(text), nil)
	}
	return &value
}

// shown is a value as a fault shows it: cut where it is long.
func shown(text string) string {
	const longest = 200
	if len(text) > longest {
		text = text[:longest] + "…"
	}
	return strings.ToValidUTF8(text, "�")
}

// body is the JSON object of a request. What is wrong with it as a whole is a fault; then the object is nil, and reading of it finds no more.
type body struct {
	c      *checks
	fields map[string]any
}

// object reads the body as an object. notObject is the type of fault that one of another shape is: a model's or a dictionary's.
func (c *checks) object(notObject string) (*body, error) {
	before := len(c.faults)
	b, value, err := c.value()
	if err != nil || len(c.faults) > before {
		return b, err
	}
	fields, ok := value.(map[string]any)
	if !ok {
		msg := "Input should be a valid dictionary"
		if notObject == notModel {
			msg += " or object to extract fields from"
		}
		c.fault([]any{"body"}, notObject, msg, nil, nil)
		return b, nil
	}
	b.fields = fields
	return b, nil
}

// value reads the body as JSON of any shape.
func (c *checks) value() (b *body, value any, err error) {
	b = &body{c: c}
	raw, err := c.read()
	if err != nil {
		return b, nil, err
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		c.fault([]any{"body"}, "missing", "Field required", nil, nil)
		return b, nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	err = decoder.Decode(&value)
	if err == nil {
		if _, rest := decoder.Token(); !errors.Is(rest, io.EOF) {
			err = errors.New("extra data")
		}
	}
	if err != nil || !utf8.Valid(raw) {
		offset := decoder.InputOffset()
		var syntax *json.SyntaxError
		switch {
		case errors.As(err, &syntax):
			offset = max(syntax.Offset-1, 0)
		case errors.Is(err, io.ErrUnexpectedEOF):
			offset = int64(len(raw))
		}
		c.fault([]any{"body", offset}, "json_invalid", "JSON decode error", map[string]any{}, map[string]any{"error": "JSON decode error"})
	}
	return b, value, nil
}

// The types of fault that a body of another shape than an object is.
const (
	notModel      = "model_attributes_type"
	notDictionary = "dict_type"
)

func (c *checks) read() ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(c.r.Body, c.s.Body+1))
	_ = http.NewResponseController(c.w).SetReadDeadline(time.Time{}) // for the body only, which is here; a writer of a test has none
	switch {
	case err != nil:
		return nil, say(http.StatusBadRequest, "BODY_INCOMPLETE", "Le corps de la requête est incomplet.")
	case int64(len(raw)) > c.s.Body:
		return nil, say(http.StatusRequestEntityTooLarge, "TOO_LARGE", fmt.Sprintf("Le corps de la requête dépasse %d octets.", c.s.Body))
	}
	if api.Deeper(raw, c.s.Depth) {
		return nil, &api.WithStatus{Status: http.StatusBadRequest, Err: muster.Errorf(muster.TooLong, "", "The body is nested deeper than %d levels (limit body-depth).", c.s.Depth)}
	}
	return raw, nil
}

// has says whether the body has a field, null or not.
func (b *body) has(name string) bool { _, ok := b.fields[name]; return ok }

// value gives a field that is there and not null. A required one that is not is a fault; a null one is only where it may not be.
func (b *body) value(name string, required, nullable bool, kind, msg string) (any, bool) {
	if b.fields == nil {
		return nil, false
	}
	v, there := b.fields[name]
	switch {
	case !there && required:
		b.c.fault([]any{"body", name}, "missing", "Field required", nil, nil)
	case there && v == nil && !nullable:
		b.c.fault([]any{"body", name}, kind, msg, nil, nil)
	}
	return v, there && v != nil
}

// id reads a required UUID.
func (b *body) id(name string) uuid.UUID {
	const msg = "UUID input should be a string, bytes or UUID object"
	v, there := b.value(name, true, false, "uuid_type", msg)
	if !there {
		return uuid.UUID{}
	}
	text, ok := v.(string)
	if !ok {
		b.c.fault([]any{"body", name}, "uuid_type", msg, nil, nil)
		return uuid.UUID{}
	}
	return b.c.id([]any{"body", name}, text)
}

// text reads a text of least to atMost characters. ok is false when it is absent or null.
func (b *body) text(name string, required bool, least, atMost int) (text string, ok bool) {
	const msg = "Input should be a valid string"
	v, there := b.value(name, required, !required, "string_type", msg)
	if !there {
		return "", false
	}
	loc := []any{"body", name}
	if text, ok = v.(string); !ok {
		b.c.fault(loc, "string_type", msg, nil, nil)
		return "", false
	}
	if !b.c.whole(loc, text) {
		return "", false
	}
	switch n := utf8.RuneCountInString(text); {
	case n < least, least > 0 && strings.TrimSpace(text) == "":
		b.c.fault(loc, "string_too_short", fmt.Sprintf("String should have at least %d character%s", least, plural(least)), shown(text), map[string]any{"min_length": least})
	case n > atMost:
		b.c.fault(loc, "string_too_long", fmt.Sprintf("String should have at most %d characters", atMost), shown(text), map[string]any{"max_length": atMost})
	}
	return text, true
}

// texts reads a list of texts. ok is false when it is absent or null.
func (b *body) texts(name string) (list []string, ok bool) {
	const msg = "Input should be a valid list"
	v, there := b.value(name, false, true, "list_type", msg)
	if !there {
		return nil, false
	}
	items, isList := v.([]any)
	if !isList {
		b.c.fault([]any{"body", name}, "list_type", msg, nil, nil)
		return nil, false
	}
	list = make([]string, 0, len(items))
	for i, item := range items {
		text, isText := item.(string)
		if !isText {
			b.c.fault([]any{"body", name, i}, "string_type", "Input should be a valid string", nil, nil)
			continue
		}
		if b.c.whole([]any{"body", name, i}, text) {
			list = append(list, text)
		}
	}
	return list, true
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
