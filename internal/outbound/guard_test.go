package outbound

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCheck(t *testing.T) {
	t.Parallel()
	refused := []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
		"169.254.169.254", "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.1.1",
		"198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::2", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "0:0:0:0:0:ffff:7f00:1", "::ffff:0:127.0.0.1",
		"64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::a00:1", "100::1", "fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1", "fe80::1%eth0",
		"fec0::1", "ff02::1", "ff0e::1", "2001::1", "2001:0:53aa::1", "2001:2::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1",
		"3fff::1", "5f00::1", "4000::1", "1::1",
	}
	for _, text := range refused {
		addr := netip.MustParseAddr(text)
		err := Guard{}.Check(addr)
		var fault *muster.Error
		if !errors.As(err, &fault) || fault.Code != muster.Policy {
			t.Errorf("%s: %v, want a refusal", text, err)
			continue
		}
		if shown := addr.WithZone("").Unmap().String(); !strings.Contains(fault.Message, shown) || !strings.Contains(fault.Message, `"allow"`) {
			t.Errorf("%s: the message does not name the address and the setting: %s", text, fault.Message)
		}
	}
	for _, text := range []string{
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.0.0.1", "128.0.0.1", "169.253.1.1", "172.15.0.1",
		"172.32.0.1", "192.0.1.1", "192.167.1.1", "192.169.1.1", "198.17.0.1", "198.20.0.1", "223.255.255.255", "::ffff:8.8.8.8",
		"2606:4700::1111", "2a00:1450::1", "2001:4860:4860::8888", "2003::1", "2000::1",
	} {
		if err := (Guard{}).Check(netip.MustParseAddr(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	if err := (Guard{}).Check(netip.Addr{}); muster.CodeOf(err) != muster.Policy {
		t.Errorf("no address: %v", err)
	}
}

func TestAllow(t *testing.T) {
	t.Parallel()
	allow, err := ParseAllow([]string{"10.1.0.0/16", " 192.168.7.9 ", "", "::1", "fd00::/8", "::ffff:172.16.0.0/108", "::ffff:100.64.0.9", "10.2.3.4/16"})
	if err != nil {
		t.Fatal(err)
	}
	g := Guard{Allow: allow}
	for text, want := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "10.3.0.1": false, "192.168.7.9": true, "192.168.7.8": false, "::1": true, "::2": false,
		"127.0.0.1": false, "fd12::1": true, "fd12::1%eth0": true, "fc12::1": false, "172.16.5.5": true, "172.31.0.1": true, "100.64.0.9": true,
		"100.64.0.8": false, "10.2.200.1": true, "8.8.8.8": true,
	} {
		if err := g.Check(netip.MustParseAddr(text)); (err == nil) != want {
			t.Errorf("%s: %v, want allowed %v", text, err, want)
		}
	}
	all, err := ParseAllow([]string{"0.0.0.0/0", "::/0"})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"127.0.0.1", "::1", "::ffff:10.0.0.1"} {
		if err := (Guard{Allow: all}).Check(netip.MustParseAddr(text)); err != nil {
			t.Errorf("with everything allowed: %v", err)
		}
	}
}

func TestParseAllowRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"localhost", "10.0.0.0/33", "10.0.0", "10.0.0.0-10.0.0.9", "*", "fe80::1%eth0", "::ffff:0.0.0.0/90", "127.1", "010.0.0.1", "http://10.0.0.1", "10.0.0.1:80"} {
		allow, err := ParseAllow([]string{"10.0.0.1", text})
		faults := muster.Faults(err)
		if allow != nil || len(faults) != 1 || faults[0].Code != muster.Invalid || faults[0].Field != "allow" || !strings.Contains(faults[0].Message, text) {
			t.Errorf("%s: %v, %v", text, allow, err)
		}
	}
	if _, err := ParseAllow([]string{"a", "b"}); len(muster.Faults(err)) != 2 {
		t.Errorf("two faults: %v", err)
	}
}

// Whatever IPv4 address is refused is refused in every IPv6 dress that a router or the kernel might take off.
func TestCheckSeesThroughDisguise(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v4 := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address")
		plain := netip.AddrFrom4([4]byte(v4))
		want := Guard{}.Check(plain) == nil
		mapped := netip.AddrFrom16(plain.As16())
		if got := (Guard{}).Check(mapped) == nil; got != want {
			t.Fatalf("%s allowed %v, %s allowed %v", plain, want, mapped, got)
		}
		for name, start := range map[string]string{"translated": "64:ff9b::", "compatible": "::", "6to4": "2002::"} {
			bytes := netip.MustParseAddr(start).As16()
			at := 12
			if name == "6to4" {
				at = 2
			}
			copy(bytes[at:], v4)
			if addr := netip.AddrFrom16(bytes); (Guard{}).Check(addr) == nil {
				t.Fatalf("%s: %s is allowed", name, addr)
			}
		}
	})
}

// listen opens a port on this machine that tells when somebody reaches it.
func listen(t *testing.T) (port string, reached <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	calls, done := make(chan struct{}, 100), make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			calls <- struct{}{}
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port, calls
}

func TestDialerReachesNoLocalPort(t *testing.T) {
	t.Parallel()
	port, reached := listen(t)
	dialer := Guard{}.Dialer(5 * time.Second)
	// Names go to the hosts file alone, so that the test asks no name server.
	dialer.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no name server in this test")
	}}
	for _, host := range []string{
		"127.0.0.1", "127.0.0.2", "127.1", "127.0.1", "0", "0.0.0.0", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "2130706433",
		"127.0.0.1.", "localhost", "LOCALHOST", "localhost.", "::", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1",
		"0:0:0:0:0:FFFF:127.0.0.1", "::1%lo", "fe80::1%lo", "64:ff9b::127.0.0.1", "2002:7f00:1::", "127.0.0.1%25lo", "１２７.0.0.1", "",
		"169.254.169.254", "fd00:ec2::254", "100.100.100.200", "10.0.0.1", "192.168.0.1",
	} {
		for _, network := range []string{"tcp", "tcp4", "tcp6"} {
			conn, err := dialer.DialContext(t.Context(), network, net.JoinHostPort(host, port))
			if err == nil {
				conn.Close()
				t.Errorf("%s %q is connected to %s", network, host, conn.RemoteAddr())
			}
		}
	}
	if len(reached) != 0 {
		t.Errorf("%d connections reached this machine", len(reached))
	}
}

func TestDialerSaysWhy(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.0.0.1", "localhost", "::1", "::ffff:127.0.0.1"} {
		_, err := Guard{}.Dialer(5*time.Second).DialContext(t.Context(), "tcp", net.JoinHostPort(host, "9"))
		if muster.CodeOf(err) != muster.Policy {
			t.Errorf("%s: %v, want a refusal", host, err)
		}
	}
	_, err := Guard{}.Dialer(0).DialContext(t.Context(), "unix", "/nowhere")
	if muster.CodeOf(err) != muster.Policy {
		t.Errorf("a unix socket: %v, want a refusal", err)
	}
}

func TestDialerAllows(t *testing.T) {
	t.Parallel()
	port, reached := listen(t)
	allow, err := ParseAllow([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "::ffff:127.0.0.1", "localhost"} {
		conn, err := Guard{Allow: allow}.Dialer(5*time.Second).DialContext(t.Context(), "tcp4", net.JoinHostPort(host, port))
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		<-reached
		conn.Close()
	}
}

func TestDialerHasATimeout(t *testing.T) {
	t.Parallel()
	for given, want := range map[time.Duration]time.Duration{0: 30 * time.Second, -1: 30 * time.Second, time.Second: time.Second} {
		if got := (Guard{}).Dialer(given).Timeout; got != want {
			t.Errorf("%v gives %v, want %v", given, got, want)
		}
	}
}
