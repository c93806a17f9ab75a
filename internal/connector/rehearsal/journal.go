package rehearsal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// entry is one line of a journal, and the only way in which a server changes.
type entry struct {
	Op      string            `json:"op"`
	Account connector.Account `json:"account"`
	// Of what people do and get, which changes no account; of Account only the external id counts.
	At       time.Time          `json:"at,omitzero"`
	Life     time.Duration      `json:"life,omitempty"`
	Progress connector.Progress `json:"progress,omitempty"`
	Password string             `json:"password,omitempty"` // its hash
}

const (
	planted = "plant"
	created = "create"
	updated = "update"
	renamed = "rename"
	deleted = "delete"

	mailed     = "mail"
	progressed = "progress"
	passworded = "password"
)

// record writes an entry and carries it out.
func (s *Server) record(e entry) error {
	if s.journal != nil {
		if err := s.journal.append(e); err != nil {
			return connector.Down(fmt.Errorf("rehearsal: write journal: %w", err))
		}
	}
	s.replay(e)
	return nil
}

func (s *Server) replay(e entry) {
	id := e.Account.ExternalID
	if s.replayPerson(e) {
		return
	}
	if old, ok := s.accounts[id]; ok {
		if s.names[fold(old.Username)] == id {
			delete(s.names, fold(old.Username))
		}
		s.unmark(old)
		delete(s.accounts, id)
	}
	switch e.Op {
	case created:
		s.writes.Create++
	case updated:
		s.writes.Update++
	case renamed:
		s.writes.Rename++
	case deleted:
		s.writes.Delete++
		delete(s.people, id)
		return
	}
	s.accounts[id] = e.Account
	s.names[fold(e.Account.Username)] = id
	if m := e.Account.Marker; m != "" {
		s.markers[m] = append(s.markers[m], id)
	}
}

func (s *Server) unmark(a connector.Account) {
	ids := slices.DeleteFunc(s.markers[a.Marker], func(id string) bool { return id == a.ExternalID })
	if s.markers[a.Marker] = ids; len(ids) == 0 {
		delete(s.markers, a.Marker)
	}
}

// lock holds the server, and its journal against other processes, and catches up with what those wrote. A server that could not catch up is
// held all the same. The caller calls unlock in any case.
func (s *Server) lock() error {
	s.mu.Lock()
	if s.journal == nil {
		return nil
	}
	if err := s.journal.catchUp(s.replay); err != nil {
		return connector.Down(fmt.Errorf("rehearsal: read journal: %w", err))
	}
	return nil
}

func (s *Server) unlock() {
	if s.journal != nil {
		_ = unlockFile(s.journal.file)
	}
	s.mu.Unlock()
}

// journal is an append-only file of entries, one JSON object a line. It is written without waiting for the disk: it outlives the process, not
// the machine.
type journal struct {
	file *os.File
	read int64 // how far this process has read
}

func openJournal(path string) (*journal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, muster.Errorf(muster.Invalid, "config.path", "The journal cannot be opened; its folder must exist and be writable.").Because(err)
	}
	return &journal{file: file}, nil
}

// catchUp takes the file's lock and replays what is new. Half a line at the end is what a killed writer left, and is cut off.
func (j *journal) catchUp(replay func(entry)) error {
	if err := lockFile(j.file); err != nil {
		return err
	}
	info, err := j.file.Stat()
	if err != nil || info.Size() == j.read {
		return err
	}
	text := make([]byte, info.Size()-j.read)
	if _, err := j.file.ReadAt(text, j.read); err != nil && err != io.EOF {
		return err
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	for line := range bytes.Lines(whole) {
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("byte %d: %w", j.read, err)
		}
		if groups, ok := e.Account.Attributes["groups"]; ok {
			e.Account.Attributes["groups"] = codes(groups) // as it was before it was JSON
		}
		replay(e)
		j.read += int64(len(line))
	}
	if len(whole) < len(text) {
		return j.file.Truncate(j.read)
	}
	return nil
}

func (j *journal) append(e entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	n, err := j.file.Write(append(line, '\n'))
	j.read += int64(n)
	return err
}
