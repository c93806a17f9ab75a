package jumpcloud

import "github.com/musterid/muster"

// The words for states (contract §6.4).
const (
	stagedState    = "STAGED"
	activatedState = "ACTIVATED"
	suspendedState = "SUSPENDED"
)

var stateWords = map[string]muster.State{stagedState: muster.Staged, activatedState: muster.Active, suspendedState: muster.Suspended}

// stateOf is the word for somebody's state. Somebody archived is shown as suspended, and stays archived when that is sent back.
func stateOf(p *muster.Person) string {
	switch p.State {
	case muster.Staged:
		return stagedState
	case muster.Active:
		return activatedState
	}
	return suspendedState
}

func readState(r *reading, a *attribute, v any) {
	word, ok := v.(string)
	state, known := stateWords[word]
	switch {
	case v == nil || word == "" && ok:
		r.fail(muster.Required, a.name, "A state can be changed and not be taken away.")
	case !known:
		r.fail(muster.Invalid, a.name, "The state is STAGED, ACTIVATED or SUSPENDED.")
	case state == muster.Staged && !r.mode.creates():
		r.fail(muster.Invalid, a.name, "Nobody who is there becomes STAGED again. The state is ACTIVATED or SUSPENDED.")
	default:
		r.become(state)
	}
}

// become sets the state. Why it was what it was is over then.
func (r *reading) become(state muster.State) {
	r.draft["state"] = string(state)
	r.set("reason", nil)
}

// readSuspended sets the state where none is given, and must agree with one that is (contract §6.4).
func readSuspended(r *reading, a *attribute, v any) {
	if v == nil {
		if !r.mode.creates() {
			r.warn(muster.Unsupported, a.name, "null says neither true nor false. It was ignored.")
		}
		return
	}
	suspended, ok := r.boolean(a.name, v)
	if !ok {
		return
	}
	if given, said := r.given["state"]; said {
		if word, _ := given.(string); stateWords[word] != "" && suspended != (word == suspendedState) {
			r.fail(muster.Invalid, a.name, "%t does not go with the state %s.", suspended, word)
		}
		return
	}
	if suspended == (r.shown() == suspendedState) {
		return
	}
	state := muster.Active
	if suspended {
		state = muster.Suspended
	}
	r.become(state)
}

// shown is the word for the state before.
func (r *reading) shown() string { return stateOf(r.now) }

// asked is the word for the state that the object leads to.
func (r *reading) asked() string {
	p := *r.now
	if s, said := r.draft["state"].(string); said {
		p.State = muster.State(s)
	} else if r.mode.creates() && r.mode.State != "" {
		p.State = r.mode.State
	}
	return stateOf(&p)
}

// wordFor is the word for a state.
func wordFor(s muster.State) string { return stateOf(&muster.Person{State: s}) }
