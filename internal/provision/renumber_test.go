package provision_test

import (
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// A process that lost its claim while it looked gives nobody another name.
func TestALostClaimRenumbersNobody(t *testing.T) {
	eachYard(t, func(y *yard) {
		s := y.aim(marked, "")
		s.Plant(connector.Account{ExternalID: "x1", Username: "ann.lee001", Enabled: true})
		reached, open := s.hold(y.t, "find", "ann.lee001")
		ann := y.enrol("first_name=Ann last_name=Lee")[0]
		reached()
		y.exec("UPDATE account SET owner = 'another process', lease = $1", y.clock.Now().Add(time.Hour).UnixMicro())
		bob := y.enrol("first_name=Bob last_name=Lee")[0] // his turn comes after Ann's was settled
		open()
		y.until("the next one has an account", func() bool { return y.followed() && y.account(bob).State == muster.DeliveredAccount })
		if got := y.person(ann).Username; got != "ann.lee001" {
			y.t.Errorf("somebody who lost the claim made the username %s", got)
		}
		y.exec("UPDATE account SET lease = 1 WHERE owner = 'another process'")
		y.quiet()
		if got := y.person(ann).Username; got != "ann.lee002" || y.account(ann).State != muster.DeliveredAccount {
			y.t.Errorf("username %s, account %+v", got, y.account(ann))
		}
	})
}
