package roster

import (
	"context"

	"github.com/google/uuid"

	"github.com/musterid/muster"
)

// AssignmentView is a role that somebody holds in a unit.
type AssignmentView struct {
	muster.Assignment
	Unit  uuid.UUID
	Kind  string // of the unit
	Title string // of the membership: all roles in the unit share it
}

// AssignmentChange is what is to become of an assignment. What is nil stays.
type AssignmentChange struct {
	Role      *string
	Secondary *string
	Cycles    *[]string
	Subjects  *[]string
	Title     *string // of the membership
}

// Assign gives somebody a role in a unit, and puts them into it where they are not. A role that they hold already is that role, with the cycles and
// subjects that are given. A nil title stays.
func (r *Roster) Assign(ctx context.Context, caller muster.Caller, person, unit uuid.UUID, g RoleGrant, title *string) (AssignmentView, error) {
	return AssignmentView{}, nil
}

// ChangeAssignment changes a role that somebody holds, which keeps its id.
func (r *Roster) ChangeAssignment(ctx context.Context, caller muster.Caller, person, assignment uuid.UUID, c AssignmentChange) (AssignmentView, error) {
	return AssignmentView{}, nil
}

// RemoveAssignment takes a role away. The person stays in the unit.
func (r *Roster) RemoveAssignment(ctx context.Context, caller muster.Caller, person, assignment uuid.UUID) error {
	return nil
}

// Assignment gives one role that somebody holds.
func (r *Roster) Assignment(ctx context.Context, caller muster.Caller, person, assignment uuid.UUID) (AssignmentView, error) {
	return AssignmentView{}, nil
}

// Assignments lists the roles that somebody holds, in one unit or, for the zero UUID, in all.
func (r *Roster) Assignments(ctx context.Context, caller muster.Caller, person, unit uuid.UUID) ([]AssignmentView, error) {
	return nil, nil
}
