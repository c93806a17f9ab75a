package edconnekt

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/intake"
)

// profile is the name under which internal/intake knows how rows of this surface's files are read.
const profile = "edconnekt"

// Profile reads the rows of this surface's files (contract §9.2). It is registered by every process, so that an import goes on anywhere.
func Profile() (name string, p intake.Profile) { return profile, intake.Profile{Prepare: prepare} }

// columnsOf are the words for columns, of the templates, of the French description and of the older files for one role.
var columnsOf = map[string]string{
	"lastname": "last_name", "nom": "last_name",
	"firstname": "first_name", "prenom": "first_name", "prénom": "first_name",
	"email": "email",
	"phone": phoneField, "numero_telephone": phoneField, "telephone": phoneField, "téléphone": phoneField,
	"role_principal": "role", "role_effectif": "secondary_role", "cycle": "cycles", "cycles": "cycles",
	"class_code": "attributes.class_code", "school_year": "attributes.school_year", "level": "attributes.level", "account_required": "attributes.account_required",
	"birth_date": "birth_date", "gender": "gender", "subject": "subjects", "position": "job_title", "hire_date": "hire_date",
	"establishment_id": "unit", "external_id": "source_id", "code_identite": "code",
}

const (
	phoneField   = "phones.mobile"
	accountField = "attributes.account_required"
	source       = "edconnekt" // that external ids belong to
)

// reading gives what says what the columns of a header mean. Columns of other names are read as in any import. It is asked about the sheet of the
// people first, which has to have their names, and then about the sheets beside it.
func reading() func(header []string) (map[string]string, error) {
	people := true
	return func(header []string) (map[string]string, error) {
		mapping := map[string]string{}
		taken := map[string]bool{}
		for _, name := range header {
			if field := columnsOf[strings.ToLower(strings.TrimSpace(name))]; field != "" && !taken[field] {
				mapping[name], taken[field] = field, true
			}
		}
		for _, needed := range []string{"last_name", "first_name"} {
			if people && !taken[needed] {
				return nil, muster.Errorf(muster.Required, columnOf(needed), "The header has no column %s.", columnOf(needed))
			}
		}
		people = false
		return mapping, nil
	}
}

// columnOf is the template's word for a field.
func columnOf(field string) string {
	for _, name := range []string{
		"lastname", "firstname", "email", "phone", "role_principal", "role_effectif", "cycle", "class_code", "school_year", "level", "account_required", "birth_date", "gender",
		"subject", "position", "hire_date", "establishment_id", "external_id", "code_identite",
	} {
		if columnsOf[name] == field {
			return name
		}
	}
	if strings.HasPrefix(field, "phones") || field == "phone" {
		return "phone"
	}
	return field
}

// row is one row on its way through the rules.
type row struct {
	cells  map[string]string
	faults muster.Errors
}

func (r *row) wrong(field, format string, args ...any) {
	r.faults = append(r.faults, muster.Errorf(muster.Invalid, field, format, args...))
	delete(r.cells, field)
}

func (r *row) missing(field string) {
	r.faults = append(r.faults, muster.Errorf(muster.Required, field, "This is needed."))
}

// prepare applies the rules between columns, and puts this surface's words into the product's.
func prepare(o *intake.Options, cells map[string]string) muster.Errors {
	r := &row{cells: cells}
	r.establishment(o)
	r.role()
	r.account()
	r.names()
	r.contact()
	r.details()
	r.known(o)
	return r.faults
}

// establishment leaves out the older files' column when it names the establishment of the form; intake refuses any other one.
func (r *row) establishment(o *intake.Options) {
	value := r.cells["unit"]
	if id, why := parseUUID(value); why == "" && id == o.Unit || value == "" {
		delete(r.cells, "unit")
		return
	}
	if o.Unit != (uuid.UUID{}) && !slices.ContainsFunc(o.UnitNames, func(name string) bool { return strings.EqualFold(name, value) }) {
		r.wrong("unit", "This row is of another establishment: %q.", shown(value))
		return
	}
	delete(r.cells, "unit")
}

// roleWords are other words for the principal roles.
var roleWords = map[string]string{
	"élève": "student", "eleve": "student", "étudiant": "student", "etudiant": "student", "enseignant": "teacher", "professeur": "teacher",
	"personnel administratif": "admin_staff", "personnel_administratif": "admin_staff", "admin staff": "admin_staff", "directeur": "admin_staff",
}

// role finds the principal role, in files for one role by the columns they have.
func (r *row) role() {
	word := strings.ToLower(r.cells["role"])
	if other := roleWords[word]; other != "" {
		word = other
	}
	has := func(fields ...string) bool {
		return slices.ContainsFunc(fields, func(f string) bool { _, there := r.cells[f]; return there })
	}
	_, named := r.cells["role"]
	switch {
	case word != "":
	case named: // an empty cell
	case has("birth_date", "gender", "attributes.level"):
		word = student
	case has("subjects"):
		word = "teacher"
	case has("job_title"):
		word = "admin_staff"
	}
	if word == "" {
		r.missing("role")
		delete(r.cells, "role")
		return
	}
	r.cells["role"] = word
	if secondary := r.cells["secondary_role"]; secondary != "" {
		r.cells["secondary_role"] = strings.ToLower(secondary)
	}
}

const student = "student"

// account says whether this person is to get an account at all.
func (r *row) account() {
	switch word := strings.ToLower(r.cells[accountField]); word {
	case "":
		delete(r.cells, accountField)
	case "true", "1", "yes", "oui", "vrai":
		r.cells[accountField] = "true"
	case "false", "0", "no", "non", "faux":
		r.cells[accountField] = "false"
	default:
		r.wrong(accountField, "%q is neither true nor false.", shown(word))
	}
}

const (
	longestName  = 100
	longestEmail = 255
	longestPhone = 20
	leastPhone   = 7
)

func (r *row) names() {
	for _, field := range []string{"last_name", "first_name"} {
		switch n := utf8.RuneCountInString(r.cells[field]); {
		case n == 0:
			r.missing(field)
		case n > longestName:
			r.wrong(field, "At most %d characters fit here; this has %d.", longestName, n)
		}
	}
}

var phoneForm = regexp.MustCompile(`^\+?[0-9][0-9 ().\-/]*$`)

// contact wants an address of everybody who is to get an account.
func (r *row) contact() {
	email := r.cells["email"]
	switch {
	case email == "" && !(r.cells["role"] == student && r.cells[accountField] == "false"):
		r.missing("email")
	case utf8.RuneCountInString(email) > longestEmail:
		r.wrong("email", "At most %d characters fit here; this has %d.", longestEmail, utf8.RuneCountInString(email))
	}
	switch phone := r.cells[phoneField]; {
	case phone == "":
		delete(r.cells, phoneField)
	case !phoneForm.MatchString(phone), len(phone) < leastPhone, len(phone) > longestPhone:
		r.wrong(phoneField, "%q is no phone number: %d to %d characters, digits and signs only, with a + before them where needed.", shown(phone), leastPhone, longestPhone)
	}
}

// withoutAddress is the source of the ids that pupils without an address are known by.
const withoutAddress = "edconnekt-row"

// known has a pupil who has no address found again when the file is sent once more: by establishment, names and date of birth.
func (r *row) known(o *intake.Options) {
	if r.cells["email"] != "" || r.cells["source_id"] != "" || len(r.faults) > 0 {
		return
	}
	r.cells["source"] = withoutAddress
	r.cells["source_id"] = strings.Join([]string{o.Unit.String(), muster.FoldKey(r.cells["last_name"]), muster.FoldKey(r.cells["first_name"]), r.cells["birth_date"]}, "/")
}

func (r *row) details() {
	for _, field := range []string{"birth_date", "hire_date"} {
		if date := r.cells[field]; date != "" {
			if _, err := time.Parse(time.DateOnly, date); err != nil {
				r.wrong(field, "%s is not a date. It needs the form 2006-01-31 (year, month, day).", shown(date))
			}
		}
	}
	switch gender := strings.ToLower(r.cells["gender"]); gender {
	case "":
	case "m", "male", "masculin":
		r.cells["gender"] = "M"
	case "f", "female", "féminin", "feminin":
		r.cells["gender"] = "F"
	default:
		r.wrong("gender", "%q is none of M, F, male, female.", shown(gender))
	}
	if _, member := r.cells["role"]; !member { // a fault of its own, and no reason for others
		for _, field := range []string{"secondary_role", "cycles", "subjects"} {
			delete(r.cells, field)
		}
	}
}
