package jumpcloud

import (
	"encoding/json"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/roster"
)

// profile is the name under which internal/intake knows how the rows of jobs are read.
const profile = "jumpcloud"

// Profile reads the rows of this surface's jobs (contract §3.5). It is registered by every process, so that a job goes on anywhere.
func Profile() (name string, p intake.Profile) {
	rows := func(o *intake.Options) func(json.RawMessage, bool) intake.Asked {
		m := modeOf(o)
		return func(raw json.RawMessage, password bool) intake.Asked { return object(m, raw, password) }
	}
	return profile, intake.Profile{Object: rows, Field: attributeOf}
}

// modeOf is how the rows of a job are meant. A batch of somebody else's making has none.
func modeOf(o *intake.Options) *mode {
	m := &mode{Operation: createMode}
	if o.Matching == muster.ByID {
		m.Operation = updateMode
	}
	_ = json.Unmarshal(o.Extra, m) // we have written it
	return m
}

// object reads one row. password says that one came with it.
func object(m *mode, raw json.RawMessage, password bool) intake.Asked {
	given := intake.ObjectOf(raw)
	if password {
		given["password"] = nil // whether there is one is all that anybody asks
	}
	nobody := roster.Fresh()
	r := read(m, given, &nobody)
	if m.creates() {
		return intake.Asked{Draft: r.draft, Manager: r.manager, Faults: r.faults, Warnings: r.warnings}
	}
	id, faults := rowID(given)
	return intake.Asked{
		Draft: muster.Draft{}, Person: id, Manager: r.manager, Faults: faults, Warnings: r.warnings,
		Adapt: func(now *muster.Person, d muster.Draft) (muster.Draft, muster.Errors) {
			r := read(m, given, now)
			if boss, named := d["manager"]; named && r.manager != "" {
				r.draft["manager"] = boss
			}
			return r.draft, r.faults
		},
	}
}

// rowID is whom a row of an update names (contract §3.5).
func rowID(given map[string]any) (string, muster.Errors) {
	id, fault := idIn(given, "id")
	alias, aliasFault := idIn(given, "_id")
	switch {
	case fault != nil:
		return "", muster.Errors{fault}
	case aliasFault != nil:
		return "", muster.Errors{aliasFault}
	case id == "" && alias == "":
		return "", muster.Errors{muster.Errorf(muster.Required, "id", "The id of the user is missing.")}
	case id != "" && alias != "" && id != alias:
		return "", muster.Errors{muster.Errorf(muster.Invalid, "id", "id and _id name different users. Give one of them.")}
	case id == "":
		return alias, nil
	}
	return id, nil
}

func idIn(given map[string]any, name string) (string, *muster.Error) {
	v, there := given[name]
	s, isText := v.(string)
	switch {
	case !there:
		return "", nil
	case v == nil || isText && strings.TrimSpace(s) == "":
		return "", muster.Errorf(muster.Required, name, "The id of the user is missing.")
	case !isText:
		return "", muster.Errorf(muster.Invalid, name, "A text is expected here.")
	}
	if s = strings.ToLower(strings.TrimSpace(s)); !isID(s) {
		return "", muster.Errorf(muster.NotFound, name, "There is no user of the id %q.", shortened(s))
	}
	return s, nil
}
