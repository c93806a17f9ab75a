package connectortest

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// Begin here: a connector that can check itself can be configured.
func (s *suite) check(t *testing.T) {
	writes := s.Writes(t)
	if err := s.c.Check(t.Context()); err != nil {
		t.Fatalf("Check of a target that works: %v", err)
	}
	if n := s.Writes(t) - writes; n != 0 {
		t.Errorf("Check made %d writes; it changes nothing", n)
	}
}

func (s *suite) checkWrong(t *testing.T) {
	c, err := s.Kind.Open(t.Context(), s.Wrong, s.Env)
	if err != nil {
		t.Fatalf("Open calls nobody, so it cannot know that credentials are wrong: %v", err)
	}
	defer c.Close()
	err = c.Check(t.Context())
	if err == nil {
		t.Fatal("Check with wrong credentials succeeds")
	}
	s.wantNoSecret(t, err)
	if v := connector.Verdict(err); !v.Down && !v.Permanent {
		t.Errorf("wrong credentials are neither Down nor Permanent: %v", err)
	}
	var said *muster.Error
	if !errors.As(err, &said) {
		t.Errorf("wrong credentials are not explained by a muster.Error: %v", err)
	}
}

func (s *suite) findNobody(t *testing.T) {
	s.wantNotFound(t, connector.Query{Username: name("nobody")})
	s.wantNotFound(t, connector.Query{ExternalID: uuid.NewString()})
	s.wantNotFound(t, connector.Query{ExternalID: "no id of this target"})
	if s.Kind.Powers.Marker {
		s.wantNotFound(t, connector.Query{Marker: "urn:uuid:" + uuid.NewString()})
	}
	s.wantNotFound(t, connector.Query{Username: "*"})
	s.Plant(t, name("somebody"))
	s.wantNotFound(t, connector.Query{Username: "some*"})
}

func (s *suite) create(t *testing.T) {
	wanted, marker := person(name("zoe")), "urn:uuid:"+uuid.NewString()
	made := s.mustApply(t, creation(wanted, marker))
	s.wantPerson(t, made, wanted)
	if !slices.Contains(s.Names(t), made.Username) {
		t.Errorf("the target does not have %s", made.Username)
	}
	queries := map[string]connector.Query{
		"by username":                            {Username: made.Username},
		"by external id":                         {ExternalID: made.ExternalID},
		"by external id, whatever else is asked": {ExternalID: made.ExternalID, Username: name("other"), Marker: "urn:uuid:" + uuid.NewString()},
	}
	if s.Kind.Powers.Marker {
		queries["by marker"] = connector.Query{Marker: marker}
		queries["by marker before username"] = connector.Query{Marker: marker, Username: name("other")}
	}
	for label, q := range queries {
		found := s.mustFind(t, q)
		s.wantPerson(t, found, wanted)
		if found.ExternalID != made.ExternalID {
			t.Errorf("%s: external id is %s, want %s", label, found.ExternalID, made.ExternalID)
		}
		if s.Kind.Powers.Marker && found.Marker != marker {
			t.Errorf("%s: marker is %q, want %q", label, found.Marker, marker)
		}
	}
	// An external id that is gone leads nowhere, even when the username would lead somewhere.
	s.wantNotFound(t, connector.Query{ExternalID: uuid.NewString(), Username: made.Username, Marker: marker})
}

// A stranger's account is never written.
func (s *suite) createTaken(t *testing.T) {
	username := name("taken")
	id := s.Plant(t, username)
	check := s.untouched(t, id)
	_, err := s.c.Apply(t.Context(), creation(person(username), "urn:uuid:"+uuid.NewString()))
	if !errors.Is(err, connector.ErrExists) {
		t.Errorf("Create over a stranger's account: %v; want ErrExists", err)
	}
	check()
	if found := s.mustFind(t, connector.Query{Username: username}); found.ExternalID != id || found.Marker != "" {
		t.Errorf("a stranger's account is found as %+v; want external id %s and no marker", found, id)
	}
}

// The answer never came: whoever asks for the marker finds the account at once, as it was wanted.
func (s *suite) lostAnswer(t *testing.T) {
	wanted, marker := person(name("lost")), "urn:uuid:"+uuid.NewString()
	s.mustApply(t, creation(wanted, marker)) // and forget what it gave
	found := s.mustFind(t, connector.Query{Marker: marker, Username: wanted.Text("username")})
	s.wantPerson(t, found, wanted)
	if _, err := s.c.Apply(t.Context(), creation(wanted, marker)); !errors.Is(err, connector.ErrExists) {
		t.Errorf("Create of what was created: %v; want ErrExists", err)
	}
	s.wantPerson(t, s.mustApply(t, correction(found.ExternalID, marker, nil, wanted)), wanted)
}

func (s *suite) ensure(t *testing.T) {
	wanted, marker := person(name("ensure")), "urn:uuid:"+uuid.NewString()
	made := s.mustApply(t, creation(wanted, marker))
	next := wanted
	for i, field := range s.Fields {
		value := []string{"Ünal", "Łukasz", "王小明", "neu@example.org", "x"}[i%5]
		if field == "email" {
			value = "neu@example.org"
		}
		next = with(next, map[string]any{field: value})
	}
	s.wantPerson(t, s.mustApply(t, correction(made.ExternalID, marker, wanted, next)), next)
	s.wantPerson(t, s.mustFind(t, connector.Query{ExternalID: made.ExternalID}), next)

	cleared := with(next, map[string]any{s.Clear: nil})
	s.wantPerson(t, s.mustApply(t, correction(made.ExternalID, marker, next, cleared)), cleared)
	s.wantPerson(t, s.mustFind(t, connector.Query{ExternalID: made.ExternalID}), cleared)

	// Whatever stands there: the change says it was cleared before, and is wrong.
	stale := correction(made.ExternalID, marker, cleared, next)
	s.mustApply(t, stale)
	s.wantPerson(t, s.mustApply(t, stale), next)

	// A field that the kind has no place for is ignored.
	s.wantPerson(t, s.mustApply(t, correction(made.ExternalID, marker, next, with(next, map[string]any{"attributes.unheard-of": "x"}))), next)
}

func (s *suite) ensureTwice(t *testing.T) {
	wanted, marker := person(name("twice")), "urn:uuid:"+uuid.NewString()
	made := s.mustApply(t, creation(wanted, marker))
	step := correction(made.ExternalID, marker, wanted, with(wanted, map[string]any{s.Clear: nil}))
	s.mustApply(t, step)
	once := s.Raw(t, made.ExternalID)
	s.mustApply(t, step)
	if again := s.Raw(t, made.ExternalID); again != once {
		t.Errorf("a repeated step changed the account.\nonce:  %s\ntwice: %s", once, again)
	}
}

func (s *suite) ensureNobody(t *testing.T) {
	wanted := person(name("gone"))
	writes := len(s.Names(t))
	_, err := s.c.Apply(t.Context(), correction(uuid.NewString(), "", wanted, with(wanted, map[string]any{s.Clear: nil})))
	if !errors.Is(err, connector.ErrNotFound) {
		t.Errorf("Ensure of an account that is not there: %v; want ErrNotFound", err)
	}
	if n := len(s.Names(t)); n != writes {
		t.Errorf("Ensure made an account")
	}
}

func (s *suite) disable(t *testing.T) {
	wanted, marker := person(name("sleep")), "urn:uuid:"+uuid.NewString()
	made := s.mustApply(t, creation(wanted, marker))
	off := with(wanted, map[string]any{"enabled": false})
	for range 2 {
		disabled := s.mustApply(t, correction(made.ExternalID, marker, wanted, off))
		s.wantPerson(t, disabled, off)
		s.wantPerson(t, s.mustFind(t, connector.Query{ExternalID: made.ExternalID}), off)
	}
	s.wantPerson(t, s.mustFind(t, connector.Query{Username: made.Username}), off)
	if _, err := s.c.Apply(t.Context(), creation(wanted, "")); !errors.Is(err, connector.ErrExists) {
		t.Errorf("Create over a disabled account: %v; want ErrExists", err)
	}
	for range 2 {
		enabled := s.mustApply(t, correction(made.ExternalID, marker, off, wanted))
		s.wantPerson(t, enabled, wanted)
		if enabled.ExternalID != made.ExternalID {
			t.Errorf("the external id changed from %s to %s", made.ExternalID, enabled.ExternalID)
		}
	}
	asleep := with(person(name("asleep")), map[string]any{"enabled": false})
	s.wantPerson(t, s.mustApply(t, creation(asleep, "")), asleep)
	s.wantPerson(t, s.mustFind(t, connector.Query{Username: asleep.Text("username")}), asleep)
}

func (s *suite) delete(t *testing.T) {
	wanted, marker := person(name("leave")), "urn:uuid:"+uuid.NewString()
	made := s.mustApply(t, creation(wanted, marker))
	for range 2 { // gone already is success
		s.mustApply(t, removal(made.ExternalID, wanted))
	}
	s.wantNotFound(t, connector.Query{ExternalID: made.ExternalID})
	s.wantNotFound(t, connector.Query{Username: made.Username})
	if slices.Contains(s.Names(t), made.Username) {
		t.Errorf("the target still has %s", made.Username)
	}
	// A deletion that does not say of what deletes nothing, even where the name is somebody's.
	username := name("stay")
	check := s.untouched(t, s.Plant(t, username))
	_, _ = s.c.Apply(t.Context(), removal("", muster.Record{"username": username}))
	check()
}
