package outbound

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/musterid/muster"
)

// Guard refuses connections to addresses that are not on the public internet, but for those it allows. The zero Guard allows none.
type Guard struct {
	Allow []netip.Prefix
}

// ParseAllow reads an allow-list: addresses such as 10.0.0.5 and ranges such as 10.0.0.0/8, of either family; empty entries are passed over.
// The errors are Invalid and name the field allow.
func ParseAllow(list []string) ([]netip.Prefix, error) {
	var allow []netip.Prefix
	var faults muster.Errors
	for _, text := range list {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		prefix, ok := parsePrefix(text)
		if !ok {
			faults = append(faults, muster.Errorf(muster.Invalid, "allow",
				"%q is not an address such as 10.0.0.5, nor a range such as 10.0.0.0/8. Names are not possible here.", text))
			continue
		}
		allow = append(allow, prefix)
	}
	if err := faults.Or(); err != nil {
		return nil, err
	}
	return allow, nil
}

func parsePrefix(text string) (netip.Prefix, bool) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), true
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	if addr := prefix.Addr(); addr.Is4In6() { // checked addresses are unmapped, so the range must be too
		if prefix.Bits() < 96 {
			return netip.Prefix{}, false
		}
		prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), true
}

// Widened says whether an allow-list has an entry that no single entry of the one before covers. An entry that is not understood allows nothing.
func Widened(before, after []string) bool {
	return slices.ContainsFunc(after, func(entry string) bool {
		return slices.ContainsFunc(prefixes(entry), func(is netip.Prefix) bool {
			return !slices.ContainsFunc(before, func(entry string) bool {
				return slices.ContainsFunc(prefixes(entry), func(was netip.Prefix) bool { return was.Bits() <= is.Bits() && was.Contains(is.Addr()) })
			})
		})
	})
}

// prefixes reads one entry of an allow-list: none when it is empty or not understood.
func prefixes(entry string) []netip.Prefix {
	list, _ := ParseAllow([]string{entry})
	return list
}

// Check tells whether a connection to addr may be made: nil, or a *muster.Error with code Policy that names the address.
func (g Guard) Check(addr netip.Addr) error {
	addr = addr.WithZone("").Unmap()
	for _, prefix := range g.Allow {
		if prefix.Contains(addr) {
			return nil
		}
	}
	kind := reserved(addr)
	if kind == "" {
		return nil
	}
	return muster.Errorf(muster.Policy, "",
		`The address %s is %s and is not called. If it is meant, add %s to the "allow" setting of this target.`, addr, kind, addr)
}

// Dialer makes connections that are checked. timeout bounds name resolution and connecting together; without one it is 30 seconds.
func (g Guard) Dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{Timeout: orDefault(timeout), Control: g.control}
}

// control is called by net with the address it is about to connect to, each time it tries one.
func (g Guard) control(network, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil || !strings.HasPrefix(network, "tcp") && !strings.HasPrefix(network, "udp") {
		return muster.Errorf(muster.Policy, "", "The address %q is not an internet address and is not called.", address)
	}
	return g.Check(target.Addr())
}

func orDefault(timeout time.Duration) time.Duration {
	if timeout <= 0 {
		return 30 * time.Second
	}
	return timeout
}
