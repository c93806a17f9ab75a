package muster

import (
	"time"

	"github.com/google/uuid"
)

// State is where a person stands in their life with the tenant. The surfaces have other words for it (docs/glossary.md).
type State string

const (
	Staged    State = "staged"    // known, not to be let in yet
	Active    State = "active"    // to have accounts that work
	Suspended State = "suspended" // to have accounts that do not work, for now
	Archived  State = "archived"  // gone, with a reason; kept for reference
	Deleted   State = "deleted"   // gone; restorable for a while, then erased
)

// States lists every State, in the order of a life.
var States = []State{Staged, Active, Suspended, Archived, Deleted}

// Mode says what kind of user a person is.
type Mode string

const (
	Standard      Mode = "standard"
	Rest          Mode = "rest"           // a program that signs in
	RootVisible   Mode = "root_visible"   // may do everything, and is offered in work flows
	RootInvisible Mode = "root_invisible" // may do everything, and is hidden from work flows
)

// Modes lists every Mode.
var Modes = []Mode{Standard, Rest, RootVisible, RootInvisible}

// Person is one human (or service) in the directory. Seq is the number other tables point at; ID is what the world sees. An empty string is
// "not known". Fields that are not searched for live in Profile.
type Person struct {
	Seq     int64
	ID      uuid.UUID
	Version int64 // grows by one with every change; the guard of plans and of If-Match

	Username      string
	Generated     bool // the username was made by us and so never goes to a second person
	Email         string
	EmailShared   bool // the address was taken without claiming it: somebody else holds it
	EmailVerified bool
	EmployeeID    string
	Code          string
	Source        string // the system that SourceID comes from
	SourceID      string

	FirstName   string
	LastName    string
	DisplayName string

	State   State
	Reason  string // why the state is what it is; for archived people
	Absent  bool
	Mode    Mode
	Locale  string
	Manager uuid.UUID // another person of the tenant; the zero UUID is none

	Profile Profile

	CreatedAt time.Time
	UpdatedAt time.Time
}

// Profile is what is known of a person beyond what the directory searches by. It is stored as one JSON object.
type Profile struct {
	MiddleName     string            `json:"middle_name,omitempty"`
	Initials       string            `json:"initials,omitempty"`
	Nickname       string            `json:"nickname,omitempty"`
	Suffix         string            `json:"suffix,omitempty"`
	BirthDate      string            `json:"birth_date,omitempty"` // 2006-01-02
	Gender         string            `json:"gender,omitempty"`
	Company        string            `json:"company,omitempty"`
	CostCenter     string            `json:"cost_center,omitempty"`
	Department     string            `json:"department,omitempty"`
	EmployeeType   string            `json:"employee_type,omitempty"`
	JobTitle       string            `json:"job_title,omitempty"`
	Location       string            `json:"location,omitempty"`
	Description    string            `json:"description,omitempty"`
	HireDate       string            `json:"hire_date,omitempty"` // 2006-01-02
	AlternateEmail string            `json:"alternate_email,omitempty"`
	RecoveryEmail  string            `json:"recovery_email,omitempty"`
	Phones         []Phone           `json:"phones,omitempty"`
	Addresses      []Address         `json:"addresses,omitempty"`
	Attributes     map[string]string `json:"attributes,omitempty"` // the tenant's own
	Flags          map[string]any    `json:"flags,omitempty"`      // facts that one surface keeps, such as sudo
}

// Phone is one number of a person. Type is a word such as work, mobile, home.
type Phone struct {
	Type   string `json:"type"`
	Number string `json:"number"`
}

// Address is one postal address of a person. Type is a word such as work, home.
type Address struct {
	Type       string `json:"type"`
	POBox      string `json:"po_box,omitempty"`
	Extended   string `json:"extended,omitempty"`
	Street     string `json:"street,omitempty"`
	Locality   string `json:"locality,omitempty"`
	Region     string `json:"region,omitempty"`
	PostalCode string `json:"postal_code,omitempty"`
	Country    string `json:"country,omitempty"`
}

// Shown is the name to greet a person with: the display name, else first and last, else what there is.
func (p Person) Shown() string {
	switch {
	case p.DisplayName != "":
		return p.DisplayName
	case p.FirstName != "" && p.LastName != "":
		return p.FirstName + " " + p.LastName
	case p.FirstName != "" || p.LastName != "":
		return p.FirstName + p.LastName
	case p.Username != "":
		return p.Username
	}
	return p.Email
}

// CanSignIn says whether accounts of this person are to work.
func (p Person) CanSignIn() bool { return p.State == Active }
