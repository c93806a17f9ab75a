package jumpcloud

import (
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
)

// viewOf is a user as systemuserreturn has it (contract §7): every attribute but the password. passwordAt is when the password was set last; the
// zero time is never.
func viewOf(p *roster.Person, org string, passwordAt time.Time) map[string]any {
	v := make(map[string]any, len(attributes))
	for i := range attributes {
		if a := &attributes[i]; a.show != nil {
			v[a.name] = a.show(&p.Person)
		}
	}
	v["_id"] = userID(p.ID)
	v["id"] = v["_id"]
	v["created"] = moment(p.CreatedAt)
	v["organization"] = org
	v["activated"] = !passwordAt.IsZero() && p.State == muster.Active
	v["password_date"] = nil
	if !passwordAt.IsZero() {
		v["password_date"] = moment(passwordAt)
	}
	return v
}
