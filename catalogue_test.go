package muster_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/musterid/muster"
)

func TestBuiltInCatalogue(t *testing.T) {
	t.Parallel()
	c := muster.CatalogueOf(muster.DefaultSettings())
	const kind = "establishment"
	codes := func(list []muster.CatalogueEntry) string {
		var words []string
		for _, e := range list {
			words = append(words, e.Code)
		}
		return strings.Join(words, " ")
	}
	for list, want := range map[string]string{
		codes(c.Roles(kind)):                                    "student parent teacher admin_staff",
		codes(c.Secondaries(kind)):                              "dir_pedagogique secretaire enseignant prof_principal",
		codes(c.Cycles(kind)):                                   "preschool primary middle high university",
		strings.Join(c.SecondariesOf(kind, "teacher"), " "):     "enseignant prof_principal",
		strings.Join(c.SecondariesOf(kind, "admin_staff"), " "): "dir_pedagogique secretaire",
		strings.Join(c.SecondariesOf(kind, "student"), " "):     "",
	} {
		if list != want {
			t.Errorf("%q, want %q", list, want)
		}
	}
	if !slices.Equal(c.Rights(kind, "admin_staff"), []muster.Privilege{muster.ReadPeople, muster.WritePeople}) || c.Rights(kind, "teacher") != nil || c.Rights("club", "admin_staff") != nil {
		t.Errorf("rights: %v", c.Rights(kind, "admin_staff"))
	}
	if c.Has("club") || !c.Has(kind) {
		t.Error("only establishments have a catalogue")
	}
	seen := map[uuid.UUID]string{}
	for _, list := range [][]muster.CatalogueEntry{c.Roles(kind), c.Secondaries(kind), c.Cycles(kind), c.Subjects(kind)} {
		for _, e := range list {
			if e.ID.Version() != 5 || seen[e.ID] != "" || !strings.HasSuffix(e.LabelKey, "."+e.Code) {
				t.Errorf("%+v has the id of %q", e, seen[e.ID])
			}
			seen[e.ID] = e.Code
		}
	}
	teacher, _ := c.Role(kind, "teacher")
	if teacher.Sort != 30 || teacher.ID.String() != "1b20c963-c34a-5b71-b62d-b8ca5cbeccf0" {
		t.Errorf("%+v: an id stays for ever", teacher)
	}
	if unknown := c.Subject(kind, "latin"); unknown.LabelKey != "subject.latin" || unknown.ID != c.Subject("club", "latin").ID || unknown.ID == uuid.Nil {
		t.Errorf("%+v", unknown)
	}
}

func TestCycleWords(t *testing.T) {
	t.Parallel()
	c := muster.CatalogueOf(muster.Settings{})
	for word, want := range map[string]string{
		"preschool": "preschool", "prescolaire": "preschool", "Préscolaire": "preschool", "primaire": "primary", " PRIMARY ": "primary", "college": "middle", "Collège": "middle",
		"secondaire": "middle", "lycee": "high", "lycée": "high", "universite": "university", "": "", "moon": "", "!": "",
	} {
		if e, known := c.Cycle("establishment", word); e.Code != want || known != (want != "") {
			t.Errorf("%q: %q %v, want %q", word, e.Code, known, want)
		}
	}
}

func TestCatalogueValidation(t *testing.T) {
	t.Parallel()
	entry := func(code string) muster.CatalogueEntry { return muster.CatalogueEntry{Code: code} }
	for name, c := range map[string]struct {
		of   muster.UnitCatalogue
		want string
	}{
		"good":           {muster.UnitCatalogue{Roles: []muster.CatalogueEntry{entry("a")}, Secondaries: []muster.CatalogueEntry{{Code: "b", Of: []string{"a"}}}}, ""},
		"nothing":        {muster.UnitCatalogue{}, ""},
		"no code":        {muster.UnitCatalogue{Roles: []muster.CatalogueEntry{entry("")}}, "catalogues.k.roles[0].code"},
		"twice":          {muster.UnitCatalogue{Cycles: []muster.CatalogueEntry{entry("a"), entry("a")}}, "catalogues.k.cycles[1].code"},
		"of nothing":     {muster.UnitCatalogue{Roles: []muster.CatalogueEntry{entry("a")}, Secondaries: []muster.CatalogueEntry{{Code: "b", Of: []string{"c"}}}}, "catalogues.k.secondaries[0].of"},
		"long":           {muster.UnitCatalogue{Roles: []muster.CatalogueEntry{entry(strings.Repeat("x", 65))}}, "catalogues.k.roles[0].code"},
		"right":          {muster.UnitCatalogue{Roles: []muster.CatalogueEntry{{Code: "a", Rights: []muster.Privilege{muster.ManageTenants}}}}, "catalogues.k.roles[0].rights"},
		"alias of two":   {muster.UnitCatalogue{Cycles: []muster.CatalogueEntry{entry("a"), {Code: "b", Aliases: []string{"Á"}}}}, "catalogues.k.cycles[1].aliases"},
		"right of cycle": {muster.UnitCatalogue{Cycles: []muster.CatalogueEntry{{Code: "a", Rights: []muster.Privilege{muster.ReadPeople}}}}, "catalogues.k.cycles[0].rights"},
	} {
		faults := muster.ValidateCatalogues(map[string]muster.UnitCatalogue{"k": c.of})
		if got := muster.Faults(faults.Or()); c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || got[0].Field != c.want) {
			t.Errorf("%s: %v, want %q", name, got, c.want)
		}
	}
}

func TestPhoneKey(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"+221 77 123 45 67": "+221771234567", "00221-77-123.45.67": "+221771234567", "+33 (0)6 12": "+33612", "06 12": "0612", "0 0": "", "": "", "none": "", "(0)6": "06", " +1": "+1", "++1": "+1",
	} {
		if got := muster.PhoneKey(number); got != want {
			t.Errorf("%q: %q, want %q", number, got, want)
		}
	}
	if got := (&muster.Person{}).PhoneKey(); got != "" {
		t.Errorf("of nobody: %q", got)
	}
}
