package native

import (
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
)

// PersonFields are the facts of a person that callers set. What is not known is absent.
type PersonFields struct {
	Username       string            `json:"username,omitempty" example:"ana.souza001" doc:"Unique in the tenant, ignoring case. One is made when a new person has none."`
	Email          string            `json:"email,omitempty" example:"ana@example.org" doc:"Unique in the tenant where it is held."`
	EmailVerified  bool              `json:"email_verified,omitempty"`
	FirstName      string            `json:"first_name,omitempty" example:"Ana"`
	MiddleName     string            `json:"middle_name,omitempty"`
	LastName       string            `json:"last_name,omitempty" example:"Souza"`
	DisplayName    string            `json:"display_name,omitempty"`
	Initials       string            `json:"initials,omitempty"`
	Nickname       string            `json:"nickname,omitempty"`
	Suffix         string            `json:"suffix,omitempty"`
	BirthDate      string            `json:"birth_date,omitempty" example:"2010-04-03" doc:"Year, month, day."`
	Gender         string            `json:"gender,omitempty"`
	EmployeeID     string            `json:"employee_id,omitempty" doc:"Unique in the tenant."`
	Code           string            `json:"code,omitempty"`
	Source         string            `json:"source,omitempty" example:"hr" doc:"The system that source_id comes from."`
	SourceID       string            `json:"source_id,omitempty" example:"48213" doc:"The person's id there. The pair is unique in the tenant."`
	State          muster.State      `json:"state,omitempty" enum:"staged,active,suspended,archived,deleted" example:"active"`
	Reason         string            `json:"reason,omitempty" doc:"Why the state is what it is."`
	Absent         bool              `json:"absent,omitempty"`
	Mode           muster.Mode       `json:"mode,omitempty" enum:"standard,rest,root_visible,root_invisible" example:"standard"`
	Locale         string            `json:"locale,omitempty" example:"fr"`
	Manager        string            `json:"manager,omitempty" format:"uuid" doc:"The id of another person."`
	Company        string            `json:"company,omitempty"`
	CostCenter     string            `json:"cost_center,omitempty"`
	Department     string            `json:"department,omitempty"`
	EmployeeType   string            `json:"employee_type,omitempty"`
	JobTitle       string            `json:"job_title,omitempty"`
	Location       string            `json:"location,omitempty"`
	Description    string            `json:"description,omitempty"`
	HireDate       string            `json:"hire_date,omitempty" doc:"Year, month, day."`
	AlternateEmail string            `json:"alternate_email,omitempty"`
	RecoveryEmail  string            `json:"recovery_email,omitempty"`
	Phones         []muster.Phone    `json:"phones,omitempty"`
	Addresses      []muster.Address  `json:"addresses,omitempty"`
	Attributes     map[string]string `json:"attributes,omitempty" doc:"The tenant's own fields, by name."`
	Flags          map[string]any    `json:"flags,omitempty" doc:"Facts that one surface keeps."`
}

// Person is somebody in the directory.
type Person struct {
	ID          uuid.UUID `json:"id" format:"uuid" readOnly:"true"`
	Seq         int64     `json:"seq" readOnly:"true" doc:"The number in the order in which people came."`
	Version     int64     `json:"version" readOnly:"true" doc:"Grows with every change. The ETag."`
	Generated   bool      `json:"generated" readOnly:"true" doc:"The username was made here, and goes to nobody else ever."`
	EmailShared bool      `json:"email_shared,omitempty" readOnly:"true" doc:"Somebody else holds the address."`
	PersonFields
	CreatedAt time.Time `json:"created_at" readOnly:"true"`
	UpdatedAt time.Time `json:"updated_at" readOnly:"true"`
}

func personView(p *roster.Person) Person {
	v := Person{ID: p.ID, Seq: p.Seq, Version: p.Version, Generated: p.Generated, EmailShared: p.EmailShared, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt}
	o := p.Profile
	v.PersonFields = PersonFields{
		Username: p.Username, Email: p.Email, EmailVerified: p.EmailVerified, FirstName: p.FirstName, MiddleName: o.MiddleName, LastName: p.LastName,
		DisplayName: p.DisplayName, Initials: o.Initials, Nickname: o.Nickname, Suffix: o.Suffix, BirthDate: o.BirthDate, Gender: o.Gender,
		EmployeeID: p.EmployeeID, Code: p.Code, Source: p.Source, SourceID: p.SourceID, State: p.State, Reason: p.Reason, Absent: p.Absent, Mode: p.Mode,
		Locale: p.Locale, Company: o.Company, CostCenter: o.CostCenter, Department: o.Department, EmployeeType: o.EmployeeType, JobTitle: o.JobTitle,
		Location: o.Location, Description: o.Description, HireDate: o.HireDate, AlternateEmail: o.AlternateEmail, RecoveryEmail: o.RecoveryEmail,
		Phones: o.Phones, Addresses: o.Addresses, Attributes: o.Attributes, Flags: o.Flags,
	}
	if p.Manager != uuid.Nil {
		v.Manager = p.Manager.String()
	}
	return v
}
