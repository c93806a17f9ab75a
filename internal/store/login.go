package store

import (
	"slices"

	"github.com/google/uuid"

	"github.com/musterid/muster"
)

// TenantOfIssuer gives the tenant of an issuer's token by whom the token is meant for, or muster.NotFound. It is how a tenant is found out. When
// several are meant, it is the tenant of the first.
func (tx *Tx) TenantOfIssuer(issuer string, audience []string) (tenant int64, err error) {
	found := map[string]int64{}
	query := tx.perText("t.tenant", "issuer_audience", "t.audience = k.value AND t.issuer = $2")
	err = tx.each(query, []any{tx.texts(audience), issuer}, func(scan func(...any) error) error {
		var asked string
		var seq int64
		err := scan(&asked, &seq)
		found[asked] = seq
		return err
	})
	if err != nil {
		return 0, err
	}
	if i := slices.IndexFunc(audience, func(a string) bool { return found[a] != 0 }); i >= 0 {
		return found[audience[i]], nil
	}
	return 0, errNone
}

// IssuerOfOthers says whether another tenant accepts tokens of an issuer.
func (tx *Tx) IssuerOfOthers(issuer string) (others bool, err error) {
	var n int
	err = tx.row("SELECT count(*) FROM (SELECT 1 FROM issuer_audience WHERE issuer = $1 AND tenant <> $2 LIMIT 1) AS other", []any{issuer, tx.tenant}, &n)
	return n > 0, err
}

// SaveIssuers makes the tenant the one whose issuers these are, instead of those it had. An audience that another tenant has is muster.Conflict.
func (tx *Tx) SaveIssuers(list []muster.Issuer) error {
	if err := tx.exec("DELETE FROM issuer_audience WHERE tenant = $1", tx.tenant); err != nil {
		return err
	}
	for _, i := range list {
		for _, audience := range i.Audience {
			n, err := tx.affect("INSERT INTO issuer_audience (issuer, audience, tenant) VALUES ($1, $2, $3) ON CONFLICT (issuer, audience) DO NOTHING", i.Issuer, audience, tx.tenant)
			if err != nil {
				return err
			}
			if n == 0 {
				return muster.Errorf(muster.Conflict, "issuers", "Another tenant accepts the tokens of %s for the audience %s. Have the issuer name another audience for this tenant.", i.Issuer, audience)
			}
		}
	}
	return nil
}

// LoginRow is the person that a subject was found to be.
type LoginRow struct {
	Person   int64
	PersonID uuid.UUID
	Username string
	State    muster.State
}

// Login gives the person of an issuer's subject, who may be deleted, or muster.NotFound.
func (tx *Tx) Login(issuer, subject string) (l LoginRow, err error) {
	return l, tx.row(`SELECT p.seq, p.id, p.username, p.state FROM login t JOIN person p ON p.seq = t.person
 WHERE t.tenant = $1 AND t.issuer = $2 AND t.subject = $3`, []any{tx.tenant, issuer, subject}, &l.Person, &l.PersonID, text{&l.Username}, (*string)(&l.State))
}

// SaveLogin records which person a subject is, and says whether that was not known.
func (tx *Tx) SaveLogin(issuer, subject string, person int64) (changed bool, err error) {
	n, err := tx.affect(`INSERT INTO login (tenant, issuer, subject, person, created_at) VALUES ($1, $2, $3, $4, $5)
 ON CONFLICT (tenant, issuer, subject) DO UPDATE SET person = excluded.person, created_at = excluded.created_at WHERE login.person <> excluded.person`,
		tx.tenant, issuer, subject, person, micros(tx.now))
	return n > 0, err
}

// TargetByName gives a target, or muster.NotFound.
func (tx *Tx) TargetByName(name string) (TargetRow, error) {
	return one(tx.targets("WHERE t.tenant = $1 AND t.name = $2", tx.tenant, name))("There is no target %q.", name)
}

// HolderOfAccount gives the person whose account on a target has an external id, or muster.NotFound.
func (tx *Tx) HolderOfAccount(target int64, externalID string) (person int64, err error) {
	return person, tx.row("SELECT person FROM account WHERE target = $1 AND tenant = $2 AND external_id = $3 AND state <> 'released'",
		[]any{target, tx.tenant, externalID}, &person)
}

// RoleHeld is a catalogue role that somebody holds in a unit.
type RoleHeld struct {
	Unit int64
	Kind string // of the unit
	Role string
}

// RolesHeld lists the roles that a person holds in units that are not closed.
func (tx *Tx) RolesHeld(person int64) (list []RoleHeld, err error) {
	err = tx.each(`SELECT u.seq, u.kind, a.role FROM membership m JOIN unit u ON u.seq = m.unit JOIN assignment a ON a.membership = m.seq
 WHERE m.person = $1 AND m.tenant = $2 AND u.closed = 0 ORDER BY u.seq, a.role`, []any{person, tx.tenant}, func(scan func(...any) error) error {
		var r RoleHeld
		err := scan(&r.Unit, &r.Kind, &r.Role)
		list = append(list, r)
		return err
	})
	return list, err
}
