package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/outbound"
	"github.com/musterid/muster/internal/store"
)

// checkIssuers gives the faults of issuers that can be seen without the database.
func checkIssuers(list []muster.Issuer) muster.Errors {
	faults := muster.ValidateIssuers(list)
	for n, i := range list {
		if _, err := outbound.ParseAllow(i.Allow); err != nil {
			for _, fault := range muster.Faults(err) {
				fault.Field = fmt.Sprintf("issuers[%d].%s", n, fault.Field)
				faults = append(faults, fault)
			}
		}
	}
	return faults
}

// saveIssuers makes a tenant's issuers those of its settings. Where they may be called beyond the public internet is the operators' to extend; whoever
// manages the tenant may keep that, or lessen it.
func saveIssuers(tx *store.Tx, caller muster.Caller, before, after []muster.Issuer) error {
	var faults muster.Errors
	for n, i := range after {
		was := issuerOf(before, i.Issuer)
		foreign, err := othersIssuer(tx, caller, was, i)
		if err != nil {
			return err
		}
		if foreign {
			faults = append(faults, muster.Errorf(muster.Forbidden, fmt.Sprintf("issuers[%d].issuer", n),
				"Another tenant accepts tokens of %s already. Only an operator may have a second tenant accept some: a caller of the installation's first tenant with the privilege %s.",
				i.Issuer, muster.ManageTenants))
		}
		if outbound.Widened(was.Allow, i.Allow) {
			operator, err := Operator(tx, caller)
			if err != nil {
				return err
			}
			if !operator {
				faults = append(faults, muster.Errorf(muster.Forbidden, fmt.Sprintf("issuers[%d].allow", n),
					"Only an operator may allow addresses on this machine or in private networks: a caller of the installation's first tenant with the privilege %s.", muster.ManageTenants))
			}
		}
		fault, err := namesTarget(tx, fmt.Sprintf("issuers[%d].target", n), was.Target, i.Target)
		if err != nil {
			return err
		}
		if fault != nil {
			faults = append(faults, fault)
		}
	}
	if len(faults) > 0 {
		return faults
	}
	return tx.SaveIssuers(after)
}

// othersIssuer says whether a caller who is no operator wants tokens accepted of an issuer that is another tenant's too. A token may be meant for
// several: with an audience that everybody's tokens have, one tenant could draw the requests of another's people to itself.
func othersIssuer(tx *store.Tx, caller muster.Caller, before, after muster.Issuer) (bool, error) {
	if !slices.ContainsFunc(after.Audience, func(a string) bool { return !slices.Contains(before.Audience, a) }) {
		return false, nil
	}
	others, err := tx.IssuerOfOthers(after.Issuer)
	if err != nil || !others {
		return false, err
	}
	operator, err := Operator(tx, caller)
	return !operator, err
}

// namesTarget says what is wrong with a setting that names a target, if it changes.
func namesTarget(tx *store.Tx, field, before, after string) (fault *muster.Error, err error) {
	if after == "" || after == before {
		return nil, nil
	}
	_, err = tx.TargetByName(after)
	if muster.CodeOf(err) == muster.NotFound {
		return muster.Errorf(muster.Invalid, field, "There is no target %q.", after), nil
	}
	return nil, err
}

func issuerOf(list []muster.Issuer, url string) muster.Issuer {
	if n := slices.IndexFunc(list, func(i muster.Issuer) bool { return i.Issuer == url }); n >= 0 {
		return list[n]
	}
	return muster.Issuer{}
}

// recordIssuers puts issuers into the record of a tenant.
func recordIssuers(r muster.Record, list []muster.Issuer) {
	for _, i := range list {
		at := "issuers." + i.Issuer + "."
		r[at+"audience"] = i.Audience
		for name, value := range map[string]string{"target": i.Target, "admin_role": i.AdminRole, "allow": strings.Join(i.Allow, " ")} {
			if value != "" {
				r[at+name] = value
			}
		}
	}
}
