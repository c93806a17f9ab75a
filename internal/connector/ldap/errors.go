package ldap

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// unreachable is what is made of a directory that could not be connected to.
func unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	var guard *muster.Error
	if errors.As(err, &guard) {
		return connector.Down(guard)
	}
	return connector.Down(muster.Errorf(muster.Unavailable, "config.url", "The directory cannot be reached: %v.", err).Because(err))
}

// refusedEntry is what is made of a directory that answered, and did not let us in.
func refusedEntry(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return unreachable(ctx, ctx.Err())
	}
	fault := muster.Errorf(muster.Unavailable, "config.url", "The directory broke off the greeting: %v.", err)
	switch code(err) {
	case ldap.LDAPResultInvalidCredentials, ldap.LDAPResultInvalidDNSyntax, ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultNoSuchObject:
		fault = muster.Errorf(muster.Unavailable, "config.bind_password", "The directory does not accept the bind name or its password.")
	case ldap.LDAPResultConfidentialityRequired, ldap.LDAPResultStrongAuthRequired:
		fault = muster.Errorf(muster.Unavailable, "config.start_tls", "The directory wants an encrypted connection: set start_tls to required, or use an ldaps:// address.")
	case ldap.LDAPResultProtocolError, ldap.LDAPResultTLSNotSupported:
		fault = muster.Errorf(muster.Unavailable, "config.start_tls", "The directory does not offer StartTLS: use an ldaps:// address, or set start_tls to none and accept that the password crosses the network in clear.")
	}
	return connector.Down(fault.Because(err))
}

// code is the directory's own result code; 0 when the error is not an answer of it.
func code(err error) uint16 {
	var answer *ldap.Error
	if errors.As(err, &answer) {
		return answer.ResultCode
	}
	return 0
}

// said is the text that the directory sent with its result code.
func said(err error) string {
	var answer *ldap.Error
	if !errors.As(err, &answer) || answer.Err == nil {
		return ""
	}
	if text := strings.TrimSpace(answer.Err.Error()); text != "" {
		return text
	}
	return ldap.LDAPResultCodeMap[answer.ResultCode]
}

// outcome is what is made of an error of a call. doing says which, for messages: "add the entry".
func (l *layout) outcome(doing string, err error) error {
	var marked *connector.Failure
	var told *muster.Error
	if err == nil || errors.As(err, &marked) || errors.As(err, &told) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, connector.ErrExists) || errors.Is(err, connector.ErrNotFound) || errors.Is(err, connector.ErrIncomplete) || errors.Is(err, errClosed) {
		return err
	}
	refuse := func(c muster.Code, field, format string, args ...any) error {
		return connector.Permanent(muster.Errorf(c, field, format, args...).Because(err))
	}
	switch n := code(err); n {
	case ldap.LDAPResultEntryAlreadyExists:
		return connector.ErrExists
	case ldap.LDAPResultNoSuchObject:
		return connector.ErrNotFound
	case ldap.LDAPResultInsufficientAccessRights:
		return refuse(muster.Policy, "", "The directory does not let %s %s. Give this account the right to, or see the documentation for the rights that are needed.", l.worker(), doing)
	case ldap.LDAPResultConstraintViolation, ldap.LDAPResultAttributeOrValueExists, ldap.LDAPResultInvalidAttributeSyntax, ldap.LDAPResultUndefinedAttributeType:
		attr, field := l.blamed(said(err))
		return refuse(muster.Invalid, field, "The directory does not accept the value of %s: %s.", attr, said(err))
	case ldap.LDAPResultObjectClassViolation, ldap.LDAPResultNamingViolation, ldap.LDAPResultNotAllowedOnRDN, ldap.LDAPResultInvalidDNSyntax,
		ldap.LDAPResultObjectClassModsProhibited, ldap.LDAPResultNotAllowedOnNonLeaf, ldap.LDAPResultAdminLimitExceeded, ldap.LDAPResultInappropriateMatching:
		return refuse(muster.Invalid, "", "The directory refuses to %s: %s.", doing, said(err))
	case ldap.LDAPResultReferral:
		return refuse(muster.Invalid, "config.url", "This directory is a copy that refers writers elsewhere. Set the address to that of the provider.")
	case ldap.LDAPResultUnavailable, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultConfidentialityRequired, ldap.LDAPResultStrongAuthRequired, ldap.LDAPResultServerDown:
		return connector.Down(muster.Errorf(muster.Unavailable, "", "The directory cannot be worked with: %s.", said(err)).Because(err))
	default:
		if broken(err) {
			return connector.Down(muster.Errorf(muster.Unavailable, "config.url", "The connection to the directory broke.").Because(err))
		}
		// Busy, unwilling, out of time, or something odd: worth another try, a bounded number of times.
		return fmt.Errorf("ldap: %s: %w", doing, err)
	}
}

func (l *layout) worker() string {
	if l.BindDN == "" {
		return "anonymous callers"
	}
	return l.BindDN
}

// blamed finds the attribute that a diagnostic text begins with, as those of OpenLDAP do ("mail: value #0 invalid per syntax"), and our field.
func (l *layout) blamed(diagnostic string) (attr, field string) {
	attr, _, _ = strings.Cut(diagnostic, ":")
	if !attributeName.MatchString(attr) {
		return "an attribute", ""
	}
	if strings.EqualFold(attr, l.UsernameAttribute) {
		return attr, "username"
	}
	for _, m := range l.mappings {
		if strings.EqualFold(m.Attr, attr) {
			return attr, m.Name()
		}
	}
	return attr, ""
}
