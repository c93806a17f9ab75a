package provision

import (
	"slices"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// inner are the fields that say how we keep a person, and are no target's business.
var inner = []string{"state", "reason", "absent", "mode", "source", "source_id", "manager"}

// wanted is what a target is to know of a person: nil when there is to be no account. groups are the codes of theirs.
func wanted(p *store.PersonRow, t *store.TargetRow, groups []string) muster.Record {
	if p.State == muster.Deleted && t.Policy.OnDelete == muster.DeleteAccount {
		return nil
	}
	r := p.Record()
	for _, field := range inner {
		delete(r, field)
	}
	r["enabled"] = p.CanSignIn()
	if t.Policy.Groups && p.CanSignIn() && len(groups) > 0 {
		r["groups"] = groups
	}
	return r
}

// deserves says whether somebody without an account on a target is to get one.
func deserves(p *store.PersonRow, t *store.TargetRow) bool {
	return p.Username != "" && allows(p, t)
}

// allows says whether a target's policy gives somebody an account: deserves, but for the username.
func allows(p *store.PersonRow, t *store.TargetRow) bool {
	if len(t.Policy.States) > 0 {
		return slices.Contains(t.Policy.States, p.State)
	}
	return p.CanSignIn()
}

// groupCodes gives the sorted codes of people's groups.
func groupCodes(tx *store.Tx, people []int64) (map[int64][]string, error) {
	members, err := tx.GroupsOf(people)
	codes := make(map[int64][]string, len(members))
	for person, list := range members {
		for _, m := range list {
			codes[person] = append(codes[person], m.Code)
		}
		slices.Sort(codes[person])
	}
	return codes, err
}
