package rehearsal

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// Faults are the switches. The zero value is a target without any.
type Faults struct {
	LatencyMS               int      `json:"latency_ms" label:"Latency" help:"Milliseconds that every call takes."`
	Rate                    float64  `json:"rate" label:"Rate limit" help:"Calls in any one second; more are refused, saying when to come back. 0 is no limit."`
	LimitEvery              int      `json:"limit_every" label:"Refuse every nth call" help:"Every nth call is told to come back after a second. 0 is never."`
	FailBeforeCommitPercent int      `json:"fail_before_commit_percent" label:"Failures before the work" help:"Percentage of changes that fail without having been made."`
	FailAfterCommitPercent  int      `json:"fail_after_commit_percent" label:"Lost answers" help:"Percentage of changes that are made and then reported as failed."`
	Seed                    int64    `json:"seed" label:"Seed" help:"Decides which changes fail; the same seed fails the same ones."`
	Down                    bool     `json:"down" label:"Down" help:"No call gets through."`
	Refuse                  []string `json:"refuse" label:"Refused names" help:"Accounts whose username begins with one of these are refused for good."`
	CutListAfter            int      `json:"cut_list_after" label:"Cut listings" help:"A listing ends incomplete after so many accounts. 0 gives all."`
	RefuseMail              []string `json:"refuse_mail" label:"Refused addresses" help:"Mail to addresses that begin with one of these is refused for good."`
	ActivateAfterSecs       int      `json:"activate_after_secs" label:"People activate after" help:"Seconds after the mail in which its person activates the account. 0 is never."`
	LeastCharacters         int      `json:"least_characters" label:"Shortest password" help:"Passwords of fewer characters are refused. 0 takes any."`
}

// call is what happens to every call before any work: it takes its time, and may not get through.
func (s *Server) call(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f := s.Faults()
	if f.LatencyMS > 0 {
		timer := time.NewTimer(time.Duration(f.LatencyMS) * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if f.Down {
		return connector.Down(muster.Errorf(muster.Unavailable, "", "The rehearsal target is switched to be down."))
	}
	if wait := s.limited(f, time.Now()); wait > 0 {
		return connector.RetryAfter(wait, muster.Errorf(muster.Unavailable, "", "The rehearsal target asks to be called less often."))
	}
	return nil
}

// limited counts a call and says how long to wait when it is one too many. Calls refused for the rate do not count towards it.
func (s *Server) limited(f Faults, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if f.LimitEvery > 0 && s.calls%f.LimitEvery == 0 {
		return time.Second
	}
	if f.Rate <= 0 {
		return 0
	}
	window, most := time.Second, int(f.Rate)
	if most == 0 { // less than one call a second
		window, most = time.Duration(float64(time.Second)/f.Rate), 1
	}
	recent := s.recent[:0]
	for _, t := range s.recent {
		if now.Sub(t) < window {
			recent = append(recent, t)
		}
	}
	s.recent = recent
	if len(recent) >= most {
		return window - now.Sub(recent[len(recent)-most])
	}
	s.recent = append(recent, now)
	return 0
}

// lots draws whether this attempt at a change fails, before and after the work. The draw depends on the seed, the account and how many attempts
// there were, and not on the order in which parallel calls arrive.
func (s *Server) lots(name string) (before, after bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.faults
	if f.FailBeforeCommitPercent == 0 && f.FailAfterCommitPercent == 0 {
		return false, false
	}
	s.attempts[name]++
	draw := func(when string) int {
		h := fnv.New64a()
		fmt.Fprintf(h, "%d/%s/%d/%s", f.Seed, name, s.attempts[name], when)
		sum := h.Sum64()
		return int((sum ^ sum>>32) % 100)
	}
	return draw("before") < f.FailBeforeCommitPercent, draw("after") < f.FailAfterCommitPercent
}

func (f Faults) refuses(username string) error {
	for _, prefix := range f.Refuse {
		if prefix != "" && strings.HasPrefix(username, prefix) {
			return connector.Permanent(muster.Errorf(muster.Policy, "username", "The rehearsal target refuses usernames that begin with %s.", prefix))
		}
	}
	return nil
}
