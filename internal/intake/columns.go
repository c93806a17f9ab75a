package intake

import (
	"fmt"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/sheet"
)

// sampleRows is how many rows are looked at before the meaning of the columns is fixed.
const sampleRows = 1_000

// understand says what the columns mean, by their names, the user's mapping, and, where a name alone cannot tell, the first rows.
func understand(o *Options, mapping map[string]string, sample []batch.Row) error {
	columns, err := sheet.Map(o.Header, mapping)
	if err != nil {
		return err
	}
	for i := range columns {
		c := &columns[i]
		if c.Field == "state" && mapping[c.Header] == "" && !holdsStates(sample, *c) {
			c.Field = "" // such as the state somebody lives in
		}
	}
	o.Columns = columns
	for _, c := range columns {
		switch {
		case secretColumn(c):
			o.Notes = append(o.Notes, muster.Errorf(muster.Unsupported, c.Header, "Column %q: passwords are not taken from files. What stands there was not stored.", c.Header))
		case unrecognised(c):
			o.Notes = append(o.Notes, muster.Errorf(muster.Unsupported, c.Header, "Column %q was not recognised and is not used. Say in the mapping what it means.", c.Header))
		}
	}
	if o.Addresses = usernamesAreAddresses(sample, columns); o.Addresses {
		o.Notes = append(o.Notes, muster.Errorf(muster.Unsupported, "", "The usernames are addresses and are taken as e-mail addresses too."))
	}
	return namesPeople(o, columns)
}

// usernamesAreAddresses says whether every username is an address, in a file that has no other addresses and of which nobody left them out.
func usernamesAreAddresses(sample []batch.Row, columns []sheet.Column) bool {
	username := -1
	for _, c := range columns {
		switch {
		case c.Field == "email" || c.Ignored && sheet.FieldOf(c.Header) == "email":
			return false
		case c.Field == "username":
			username = c.Index
		}
	}
	seen := false
	for _, row := range sample {
		if username < 0 || username >= len(row.Cells) || strings.TrimSpace(row.Cells[username]) == "" {
			continue
		}
		if !strings.Contains(row.Cells[username], "@") {
			return false
		}
		seen = true
	}
	return seen
}

// unrecognised says whether a column is not used although nobody said so.
func unrecognised(c sheet.Column) bool { return c.Field == "" && !c.Ours && !c.Ignored }

// namesPeople refuses a file of which every row would fail, because no column names people, or none of those that do can find somebody again.
func namesPeople(o *Options, columns []sheet.Column) error {
	named, found := false, false
	for _, c := range columns {
		switch c.Field {
		case "username", "email", "source_id":
			found = true
		case "first_name", "last_name", "display_name":
			named = true
		}
	}
	switch {
	case !named && !found:
		return muster.Errorf(muster.Required, "", "No column says who the people are: a name, an e-mail address or a username is needed. The columns are %s.", strings.Join(quote(o.Header), ", "))
	case !found && o.Matching == muster.UpdateOnly:
		return muster.Errorf(muster.Required, "mode", "No column says who in the directory is meant, and this import only updates: a source id, an e-mail address or a username is needed.")
	case !found && o.Matching == muster.Upsert:
		return muster.Errorf(muster.Required, "mode", "No column says who is in the directory already: a source id, an e-mail address or a username is needed. If everybody is new, import in the mode create.")
	}
	return nil
}

// holdsStates says whether most of what stands in a column can be read as a state. Then what cannot is a fault of its row: a slip of the pen must
// not keep everybody else's state from being heeded.
func holdsStates(sample []batch.Row, c sheet.Column) bool {
	filled, read := 0, 0
	for _, row := range sample {
		if c.Index >= len(row.Cells) || strings.TrimSpace(row.Cells[c.Index]) == "" {
			continue
		}
		filled++
		if _, ok := stateOf(row.Cells[c.Index], c.Opposite); ok {
			read++
		}
	}
	return 2*read >= filled
}

// inColumns says of faults in which column of the user's file the value stands: that is the name the user knows.
func (o *Options) inColumns(faults muster.Errors) muster.Errors {
	if len(faults) == 0 || len(o.Columns) == 0 {
		return faults
	}
	named := make(muster.Errors, len(faults))
	for n, fault := range faults {
		named[n] = fault
		for _, c := range o.Columns {
			if c.Field != "" && fault.Field != "" && meant(c.Field, fault.Field) {
				own := *fault
				own.Column = c.Header
				named[n] = &own
				break
			}
		}
	}
	return named
}

// meant says whether a fault of a field is about what stands in a column.
func meant(column, field string) bool { return column == field || "attributes."+column == field }

func quote(list []string) []string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = fmt.Sprintf("%q", s)
	}
	return quoted
}
