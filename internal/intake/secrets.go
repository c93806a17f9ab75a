package intake

import (
	"encoding/json"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/sheet"
)

// isSecret says whether a field must never be stored as it came.
func isSecret(field string) bool { return field == "password" || field == "password_hash" }

// secretColumn says whether a column holds passwords; also one that the user left out.
func secretColumn(c sheet.Column) bool {
	return isSecret(c.Field) || c.Field == "" && isSecret(sheet.FieldOf(c.Header))
}

// withoutSecrets cuts passwords out of a row before it is stored anywhere. In a row with more cells than the header something has slipped to the
// right, so there the rest of the row goes. look has seen the rows before, and none of its members is kept.
func (o *Options) withoutSecrets(row batch.Row, look *members) batch.Row {
	for _, c := range o.Columns {
		if !secretColumn(c) || c.Index >= len(row.Cells) {
			continue
		}
		end := c.Index + 1
		if len(row.Cells) > len(o.Header) {
			end = len(row.Cells)
		}
		for i := c.Index; i < end; i++ {
			row.Cells[i] = ""
		}
	}
	if row.JSON == nil {
		return row
	}
	if look.look(row.JSON); look.others {
		if without, found := cutSecrets(row.JSON); found {
			row.JSON = without
		}
	}
	return row
}

// cutSecrets blanks the values of password members, at any depth. found says that there were some. Nesting is bounded by whoever read the file.
func cutSecrets(raw json.RawMessage) (without json.RawMessage, found bool) {
	var members map[string]json.RawMessage
	var list []json.RawMessage
	switch firstByte(raw) {
	case '{':
		if json.Unmarshal(raw, &members) != nil {
			return raw, false // the row will fail for that
		}
		for name, value := range members {
			if secretName(name) {
				members[name], found = json.RawMessage(`""`), true
			} else if inner, cut := cutSecrets(value); cut {
				members[name], found = inner, true
			}
		}
		if found {
			without, _ = json.Marshal(members) // of what was just read
		}
	case '[':
		if json.Unmarshal(raw, &list) != nil {
			return raw, false
		}
		for i, value := range list {
			if inner, cut := cutSecrets(value); cut {
				list[i], found = inner, true
			}
		}
		if found {
			without, _ = json.Marshal(list)
		}
	}
	return without, found
}

// secretName says whether a member of this name holds a password. Most members are called what we call the field, and then there is nothing to
// work out.
func secretName(name string) bool {
	plain := muster.KnownField(name) && !strings.Contains(name, ".")
	return !plain && isSecret(sheet.FieldOf(name))
}

func firstByte(raw json.RawMessage) byte {
	for _, c := range raw {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c
		}
	}
	return 0
}
