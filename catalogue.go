package muster

import (
	_ "embed"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Catalogue says, for kinds of units, which roles people may hold there, which secondary roles go with them, and which cycles there are. A kind of
// which it says nothing is free: any word is a role there. Make one by CatalogueOf.
type Catalogue struct{ kinds map[string]UnitCatalogue }

// UnitCatalogue is the catalogue of one kind of unit, as it stands in a tenant's settings.
type UnitCatalogue struct {
	Roles       []CatalogueEntry `json:"roles,omitempty"`       // none: the kind is free
	Secondaries []CatalogueEntry `json:"secondaries,omitempty"` // roles held beside a role
	Cycles      []CatalogueEntry `json:"cycles,omitempty"`
	Subjects    []CatalogueEntry `json:"subjects,omitempty"` // the known ones: any other word may stand for a subject too
}

// CatalogueEntry is one word of a catalogue.
type CatalogueEntry struct {
	ID        uuid.UUID   `json:"-"` // made from the list and the code: the same for every tenant, for ever
	Code      string      `json:"code"`
	LabelKey  string      `json:"label_key,omitempty"` // what a user interface looks its label up by
	Sort      int         `json:"sort,omitempty"`
	Group     string      `json:"group,omitempty"`
	Sensitive bool        `json:"sensitive,omitempty"` // to be given with care
	Inactive  bool        `json:"inactive,omitempty"`  // stays with who has it, and is given to nobody else
	Of        []string    `json:"of,omitempty"`        // of a secondary role: the roles it goes with; none: all
	Aliases   []string    `json:"aliases,omitempty"`   // other words for it that are understood on input
	Rights    []Privilege `json:"rights,omitempty"`    // of a role: what it gives over the unit it is held in, and all below
}

//go:embed catalogue.json
var catalogueData []byte

// ownCatalogue is what a tenant has that has said nothing.
var ownCatalogue = func() map[string]UnitCatalogue {
	var kinds map[string]UnitCatalogue
	if err := json.Unmarshal(catalogueData, &kinds); err != nil {
		panic(err) // the file is in the program
	}
	return identified(kinds)
}()

// identified gives the entries their ids, in the order in which lists are shown.
func identified(kinds map[string]UnitCatalogue) map[string]UnitCatalogue {
	own := make(map[string]UnitCatalogue, len(kinds))
	for kind, u := range kinds {
		own[kind] = UnitCatalogue{
			Roles: entries("role", u.Roles), Secondaries: entries("secondary", u.Secondaries), Cycles: entries("cycle", u.Cycles), Subjects: entries("subject", u.Subjects),
		}
	}
	return own
}

func entries(list string, from []CatalogueEntry) []CatalogueEntry {
	own := slices.Clone(from)
	for i := range own {
		own[i].ID = entryID(list, own[i].Code)
	}
	slices.SortStableFunc(own, func(a, b CatalogueEntry) int { return a.Sort - b.Sort })
	return own
}

// entrySpace is the name space of the ids of entries.
var entrySpace = uuid.MustParse("6d757374-6572-5c61-8000-636174616c6f")

func entryID(list, code string) uuid.UUID { return uuid.NewSHA1(entrySpace, []byte(list+":"+code)) }

// CatalogueOf is the catalogue of a tenant: the built-in one, but for the kinds of units of which the settings have one of their own.
func CatalogueOf(s Settings) Catalogue {
	if len(s.Catalogues) == 0 {
		return Catalogue{ownCatalogue}
	}
	kinds := maps.Clone(ownCatalogue)
	maps.Copy(kinds, identified(s.Catalogues))
	return Catalogue{kinds}
}

// Has says whether units of a kind have a catalogue at all.
func (c Catalogue) Has(kind string) bool { return len(c.kinds[kind].Roles) > 0 }

// Roles lists the roles that can be held in units of a kind.
func (c Catalogue) Roles(kind string) []CatalogueEntry { return slices.Clone(c.kinds[kind].Roles) }

// Secondaries lists the secondary roles.
func (c Catalogue) Secondaries(kind string) []CatalogueEntry {
	return slices.Clone(c.kinds[kind].Secondaries)
}

// Cycles lists the cycles.
func (c Catalogue) Cycles(kind string) []CatalogueEntry { return slices.Clone(c.kinds[kind].Cycles) }

// Subjects lists the known subjects.
func (c Catalogue) Subjects(kind string) []CatalogueEntry {
	return slices.Clone(c.kinds[kind].Subjects)
}

// Role gives the role of a code.
func (c Catalogue) Role(kind, code string) (CatalogueEntry, bool) {
	return entryOf(c.kinds[kind].Roles, code)
}

// Secondary gives the secondary role of a code.
func (c Catalogue) Secondary(kind, code string) (CatalogueEntry, bool) {
	return entryOf(c.kinds[kind].Secondaries, code)
}

// Cycle gives the cycle of a code, or of another word that is understood for it.
func (c Catalogue) Cycle(kind, word string) (CatalogueEntry, bool) {
	word = strings.TrimSpace(word)
	if e, known := entryOf(c.kinds[kind].Cycles, word); known {
		return e, true
	}
	folded := Fold(word)
	for _, e := range c.kinds[kind].Cycles {
		if Fold(e.Code) == folded || slices.ContainsFunc(e.Aliases, func(alias string) bool { return Fold(alias) == folded }) {
			return e, folded != ""
		}
	}
	return CatalogueEntry{}, false
}

// Subject gives the subject of a code, also of one that the catalogue does not know.
func (c Catalogue) Subject(kind, code string) CatalogueEntry {
	if e, known := entryOf(c.kinds[kind].Subjects, code); known {
		return e
	}
	return CatalogueEntry{ID: entryID("subject", code), Code: code, LabelKey: "subject." + code}
}

// SecondariesOf lists the codes of the secondary roles that go with a role.
func (c Catalogue) SecondariesOf(kind, role string) []string {
	var codes []string
	for _, e := range c.kinds[kind].Secondaries {
		if e.GoesWith(role) {
			codes = append(codes, e.Code)
		}
	}
	return codes
}

// Rights says what a role gives over the unit it is held in, and all below.
func (c Catalogue) Rights(kind, role string) []Privilege {
	e, _ := c.Role(kind, role)
	return slices.Clone(e.Rights)
}

// GoesWith says whether a secondary role may be held beside a role.
func (e CatalogueEntry) GoesWith(role string) bool {
	return len(e.Of) == 0 || slices.Contains(e.Of, role)
}

func entryOf(list []CatalogueEntry, code string) (CatalogueEntry, bool) {
	for _, e := range list {
		if e.Code == code {
			return e, true
		}
	}
	return CatalogueEntry{}, false
}

// Text is the catalogue in one line, for the record of a change.
func (u UnitCatalogue) Text() string {
	b, err := json.Marshal(u)
	if err != nil {
		panic(err) // texts, numbers and booleans only
	}
	return string(b)
}

// MaxCatalogue is how many entries a list of a catalogue has at most.
const MaxCatalogue = 500

// ValidateCatalogues gives every fault of catalogues by kind of unit.
func ValidateCatalogues(kinds map[string]UnitCatalogue) (faults Errors) {
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		u, field := kinds[kind], "catalogues."+kind
		faults = appendFault(faults, checkCode(field, kind, 64))
		faults = append(faults, checkEntries(field+".roles", u.Roles)...)
		faults = append(faults, checkEntries(field+".secondaries", u.Secondaries)...)
		faults = append(faults, checkEntries(field+".cycles", u.Cycles)...)
		faults = append(faults, checkEntries(field+".subjects", u.Subjects)...)
		for i, e := range u.Roles {
			for _, right := range e.Rights {
				if right != ReadPeople && right != WritePeople {
					faults = append(faults, Errorf(Invalid, at(field+".roles", i)+".rights", "A role gives %s or %s, and not %s.", ReadPeople, WritePeople, quoted(string(right))))
				}
			}
		}
		for i, e := range u.Secondaries {
			for _, role := range e.Of {
				if _, known := entryOf(u.Roles, role); !known {
					faults = append(faults, Errorf(Invalid, at(field+".secondaries", i)+".of", "There is no role %s in this catalogue.", quoted(role)))
				}
			}
		}
		for _, list := range []struct {
			name    string
			entries []CatalogueEntry
		}{{"secondaries", u.Secondaries}, {"cycles", u.Cycles}, {"subjects", u.Subjects}} {
			for i, e := range list.entries {
				if len(e.Rights) > 0 {
					faults = append(faults, Errorf(Invalid, at(field+"."+list.name, i)+".rights", "Only roles give rights."))
				}
			}
		}
	}
	return faults
}

// checkEntries gives the faults of one list: what two entries would both be called, above all.
func checkEntries(field string, list []CatalogueEntry) (faults Errors) {
	if len(list) > MaxCatalogue {
		return Errors{Errorf(TooLong, field, "At most %d entries fit here; this has %d.", MaxCatalogue, len(list))}
	}
	called := map[string]int{}
	claim := func(i int, part, word string) {
		key := FoldKey(word)
		if folded := Fold(word); folded != "" {
			key = folded
		}
		if other, taken := called[key]; taken && other != i {
			faults = append(faults, Errorf(Conflict, at(field, i)+"."+part, "%s is already what entry %d is called.", quoted(word), other+1))
		}
		called[key] = i
	}
	for i, e := range list {
		if err := checkCode(at(field, i)+".code", e.Code, 64); err != nil {
			faults = append(faults, err)
			continue
		}
		claim(i, "code", e.Code)
		for _, alias := range e.Aliases {
			claim(i, "aliases", alias)
		}
	}
	return faults
}
