package intake

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// askManager takes out of the draft a manager who is not named by id. Files name them by address or username, which only the directory can tell.
func (w *wish) askManager() {
	text, _ := w.draft["manager"].(string)
	text = strings.TrimSpace(text)
	if _, err := uuid.Parse(text); err == nil || text == "" {
		return
	}
	w.manager = text
	delete(w.draft, "manager")
}

// findManagers says who the managers are that rows name by address or username. A row whose manager is not there is carried out without, and warned:
// managers often stand further down in the same file. It may be called again for the same rows.
func (m *match) findManagers() error {
	m.warnings = make([]muster.Errors, len(m.wishes))
	keys := map[store.KeyColumn][]string{}
	for i := range m.wishes {
		m.warnings[i] = m.wishes[i].warnings
		if w := &m.wishes[i]; w.manager != "" {
			keys[w.managerBy()] = append(keys[w.managerBy()], muster.FoldKey(w.manager))
		}
	}
	held := map[store.KeyColumn]map[string]int64{}
	var found []map[string]int64
	for column, list := range keys {
		holders, err := m.tx.Holders(column, list)
		if err != nil {
			return err
		}
		held[column], found = holders, append(found, holders)
	}
	if len(found) == 0 {
		return nil
	}
	present, err := m.presentAmong(found...)
	if err != nil {
		return err
	}
	for i := range m.wishes {
		if w := &m.wishes[i]; w.manager != "" {
			m.setManager(i, present[held[w.managerBy()][muster.FoldKey(w.manager)]])
		}
	}
	return nil
}

// managerBy is what a manager is named by.
func (w *wish) managerBy() store.KeyColumn {
	if strings.Contains(w.manager, "@") {
		return store.EmailKey
	}
	return store.UsernameKey
}

func (m *match) setManager(i int, manager *store.PersonRow) {
	w := &m.wishes[i]
	delete(w.draft, "manager")
	id := uuid.Nil
	if manager == nil || manager.State == muster.Deleted {
		m.warnings[i] = append(slices.Clip(w.warnings), muster.Errorf(muster.NotFound, "manager",
			"Nobody in the directory has the e-mail address or username %q, so no manager was set. When they are there, import the row again.", cut(w.manager)))
	} else {
		id = manager.ID
		w.draft["manager"] = id.String()
	}
	if w.made != nil {
		w.made.Manager = id
	}
}
