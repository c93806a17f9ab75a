package access

import (
	"slices"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// Grants over less than a tenant are decided here, and nowhere else. A grant over a unit is over all below it, too; a grant over the holder's own
// units is over those the holder is a member of. What belongs to a unit (a batch, an order) is the caller's when the unit is; people are the
// caller's through the units they are members of. What the caller may not see is unknown to them; what they see and may not change is
// muster.Forbidden. docs/adr/0007-scoped-grants.md has the reasons.

// Reach is over what a caller holds a privilege. The zero Reach is over nothing.
type Reach struct {
	everything bool
	units      []store.UnitRow // at the top of what is held; none is below another
}

// All says that the privilege is held over the whole tenant.
func (r Reach) All() bool { return r.everything }

// Units lists the units that are held with all below them; none when All.
func (r Reach) Units() []int64 {
	seqs := make([]int64, len(r.units))
	for i := range r.units {
		seqs[i] = r.units[i].Seq
	}
	return seqs
}

// Filter gives the paths of Units for a listing: nil when All, so that nothing is filtered.
func (r Reach) Filter() []string {
	if r.everything {
		return nil
	}
	paths := make([]string, len(r.units))
	for i := range r.units {
		paths[i] = r.units[i].Path
	}
	return paths
}

// Has says whether the unit of a path is within reach.
func (r Reach) Has(path string) bool {
	return r.everything || slices.ContainsFunc(r.units, func(u store.UnitRow) bool { return strings.HasPrefix(path, u.Path) })
}

// Some says with nil that a caller holds one of the privileges over something, and with muster.Forbidden that they hold them over nothing.
func Some(caller muster.Caller, privileges ...muster.Privilege) error {
	for _, g := range caller.Grants {
		if slices.Contains(privileges, g.Privilege) && (g.Scope == muster.TenantScope || g.Scope == muster.UnitScope || g.Scope == muster.OwnUnitsScope) {
			return nil
		}
	}
	return refused(caller, privileges[0])
}

// ReachOf says over what a caller holds at least one of the privileges. Nothing at all is muster.Forbidden.
func ReachOf(tx *store.Tx, caller muster.Caller, privileges ...muster.Privilege) (Reach, error) {
	var seqs []int64
	for _, g := range caller.Grants {
		if !slices.Contains(privileges, g.Privilege) {
			continue
		}
		switch g.Scope {
		case muster.TenantScope:
			return Reach{everything: true}, nil
		case muster.UnitScope:
			seqs = append(seqs, g.Object)
		case muster.OwnUnitsScope:
			own, err := tx.MembershipsOf([]int64{caller.Person})
			if err != nil {
				return Reach{}, err
			}
			for _, m := range own[caller.Person] {
				seqs = append(seqs, m.UnitSeq)
			}
		}
	}
	r, err := Within(tx, seqs)
	if err == nil && len(r.units) == 0 {
		err = refused(caller, privileges[0])
	}
	return r, err
}

// Known is the reach of what is not unknown to somebody who wants to change something: what they may read or change.
func Known(tx *store.Tx, caller muster.Caller) (Reach, error) {
	return ReachOf(tx, caller, muster.ReadPeople, muster.WritePeople)
}

// Within is the reach of some units, for work that goes on when its caller has left. Units that are there no more hold nothing.
func Within(tx *store.Tx, units []int64) (Reach, error) {
	found, err := tx.Units(units)
	if err != nil {
		return Reach{}, err
	}
	var r Reach
	for _, u := range found {
		r.units = append(r.units, u)
	}
	slices.SortFunc(r.units, func(a, b store.UnitRow) int { return strings.Compare(a.Path, b.Path) })
	top := r.units[:0]
	for _, u := range r.units {
		if len(top) == 0 || !strings.HasPrefix(u.Path, top[len(top)-1].Path) {
			top = append(top, u)
		}
	}
	r.units = top
	return r, nil
}

// Over says with nil that a caller holds a privilege over every one of the units, and without units (or with 0, which is what belongs to none) over
// the whole tenant; else with muster.Forbidden.
func Over(tx *store.Tx, caller muster.Caller, privilege muster.Privilege, units ...int64) error {
	r, err := ReachOf(tx, caller, privilege)
	if err != nil || r.everything {
		return err
	}
	found, err := tx.Units(units)
	if err != nil {
		return err
	}
	if len(units) == 0 || slices.ContainsFunc(units, func(seq int64) bool { return !r.Has(found[seq].Path) }) {
		return refused(caller, privilege)
	}
	return nil
}

// See says with nil that a caller may read what belongs to a unit (0: to none, which takes the whole tenant). Else it gives missing, the error of what
// is not there; a caller who may read nothing at all is muster.Forbidden.
func See(tx *store.Tx, caller muster.Caller, unit int64, missing error) error {
	r, err := ReachOf(tx, caller, muster.ReadPeople)
	if err != nil {
		return err
	}
	return r.shows(tx, unit, missing)
}

// Change says with nil that a caller may change what belongs to a unit. What they see and may not change is muster.Forbidden; what they do not see is
// missing, as in See.
func Change(tx *store.Tx, caller muster.Caller, unit int64, missing error) error {
	if err := Some(caller, muster.WritePeople); err != nil {
		return err
	}
	known, err := Known(tx, caller)
	if err != nil {
		return err
	}
	if err := known.shows(tx, unit, missing); err != nil {
		return err
	}
	return Over(tx, caller, muster.WritePeople, unit)
}

func (r Reach) shows(tx *store.Tx, unit int64, missing error) error {
	if r.everything {
		return nil
	}
	found, err := tx.Units([]int64{unit})
	if err == nil && !r.Has(found[unit].Path) {
		err = missing
	}
	return err
}

// Part is how much of a person is within a reach.
type Part int

const (
	Outside Part = iota // in none of the units, or in no unit at all
	Shared              // in one of the units, and in others
	Inside              // in units of these only
)

// People says how much of each of some people is within reach. Those who are not there are Outside, but for a reach over the whole tenant.
func (r Reach) People(tx *store.Tx, people []int64) (map[int64]Part, error) {
	parts := make(map[int64]Part, len(people))
	if r.everything {
		for _, seq := range people {
			parts[seq] = Inside
		}
		return parts, nil
	}
	paths, err := tx.UnitPathsOf(people)
	for seq, list := range paths {
		within := 0
		for _, path := range list {
			if r.Has(path) {
				within++
			}
		}
		switch {
		case within == len(list):
			parts[seq] = Inside
		case within > 0:
			parts[seq] = Shared
		}
	}
	return parts, err
}

func refused(caller muster.Caller, privilege muster.Privilege) *muster.Error {
	return muster.Errorf(muster.Forbidden, "", "This needs the privilege %s, which %s does not have.", privilege, name(caller))
}
