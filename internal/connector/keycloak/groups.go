package keycloak

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// group is a group as the Admin API shows it.
type group struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Path string `json:"path"`
}

func segments(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(s string) bool { return s == "" })
}

// path is that of the group that a code stands for, and "" when it stands for none.
func (t *target) path(code string) string {
	switch {
	case t.GroupPaths[code] != "":
		return "/" + strings.Join(segments(t.GroupPaths[code]), "/")
	case t.GroupRoles[code] != "" || t.GroupParent == "" || strings.Contains(code, "/"):
		return ""
	}
	return t.below(code)
}

func (t *target) below(name string) string {
	return "/" + strings.Join(append(segments(t.GroupParent), name), "/")
}

// code is the one that a group stands for, and "" when that is none.
func (t *target) code(g group) string {
	for _, code := range slices.Sorted(maps.Keys(t.GroupPaths)) {
		if t.path(code) == g.Path {
			return code
		}
	}
	if t.GroupParent != "" && g.Path == t.below(g.Name) && t.path(g.Name) == g.Path {
		return g.Name
	}
	return ""
}

// grouped says whether groups are any of our business.
func (t *target) grouped() bool {
	return t.GroupParent != "" || len(t.GroupPaths) > 0 || len(t.GroupRoles) > 0
}

// codes gives the sorted codes of the groups that an account is in and of the roles it has.
func (t *target) codes(ctx context.Context, id string) ([]string, error) {
	if !t.grouped() {
		return nil, nil
	}
	var list []group
	if err := t.do(ctx, call{method: http.MethodGet, path: []string{"users", id, "groups"}, query: url.Values{"briefRepresentation": {"true"}}, out: &list}); err != nil {
		return nil, err
	}
	var codes []string
	for _, g := range list {
		if code := t.code(g); code != "" {
			codes = append(codes, code)
		}
	}
	if len(t.GroupRoles) > 0 {
		held, err := t.held(ctx, id)
		if err != nil {
			return nil, err
		}
		for code, name := range t.GroupRoles {
			if held[name] {
				codes = append(codes, code)
			}
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes), nil
}

// groupID gives the id of the group of a path, making it where that is wanted.
func (t *target) groupID(ctx context.Context, code, path string) (string, error) {
	t.mu.Lock()
	id := t.groups[path]
	t.mu.Unlock()
	if id != "" {
		return id, nil
	}
	id, err := t.lookGroup(ctx, path)
	if errors.Is(err, connector.ErrNotFound) && t.CreateGroup && t.GroupPaths[code] == "" {
		id, err = t.makeGroup(ctx, code, path)
	}
	if errors.Is(err, connector.ErrNotFound) {
		return "", connector.Permanent(muster.Errorf(muster.Invalid, "groups", "The realm has no group %s. Make it, or give the code %s another path or a role in the settings of the target.", path, code).Because(err))
	}
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	t.groups[path] = id
	t.mu.Unlock()
	return id, nil
}

func (t *target) lookGroup(ctx context.Context, path string) (string, error) {
	var g group
	err := t.do(ctx, call{method: http.MethodGet, path: append([]string{"group-by-path"}, segments(path)...), out: &g})
	if missing(err) || err == nil && g.ID == "" {
		return "", connector.ErrNotFound
	}
	return g.ID, err
}

// makeGroup makes a group below the parent; one that somebody else made a moment ago will do as well.
func (t *target) makeGroup(ctx context.Context, code, path string) (string, error) {
	where := []string{"groups"}
	if len(segments(t.GroupParent)) > 0 {
		parent, err := t.lookGroup(ctx, t.GroupParent)
		if err != nil {
			return "", err
		}
		where = []string{"groups", parent, "children"}
	}
	err := t.do(ctx, call{method: http.MethodPost, path: where, body: map[string]string{"name": code}})
	if err != nil && !refusedWith(err, http.StatusConflict) {
		return "", err
	}
	return t.lookGroup(ctx, path)
}

func (t *target) forgetGroup(path string) {
	t.mu.Lock()
	delete(t.groups, path)
	t.mu.Unlock()
}

// join puts an account into the group of a code. A group whose id we knew may have been made anew since.
func (t *target) join(ctx context.Context, id, code, path string) error {
	for try := 0; ; try++ {
		group, err := t.groupID(ctx, code, path)
		if err != nil {
			return err
		}
		err = t.do(ctx, call{method: http.MethodPut, path: []string{"users", id, "groups", group}})
		if try > 0 || !missing(err) {
			return err
		}
		t.forgetGroup(path)
	}
}

// leave takes an account out of the group of a path.
func (t *target) leave(ctx context.Context, id, path string) error {
	group, err := t.lookGroup(ctx, path)
	if errors.Is(err, connector.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err = t.do(ctx, call{method: http.MethodDelete, path: []string{"users", id, "groups", group}}); missing(err) {
		return nil // out already
	}
	return err
}

// regroup joins and leaves groups and roles. What Before has and After has not is left, unless After leads to the same place or everybody has it.
func (t *target) regroup(ctx context.Context, id string, change muster.FieldChange) error {
	wanted := connector.Texts(change.After)
	paths, roles := map[string]bool{}, map[string]bool{}
	for _, name := range t.Roles {
		roles[name] = true
	}
	var gains []string
	for _, code := range wanted {
		if path := t.path(code); path != "" {
			paths[path] = true
			if err := t.join(ctx, id, code, path); err != nil {
				return err
			}
		}
		if name := t.GroupRoles[code]; name != "" {
			roles[name] = true
			gains = append(gains, name)
		}
	}
	if err := t.give(ctx, id, gains); err != nil {
		return err
	}
	for _, code := range connector.Texts(change.Before) {
		if path := t.path(code); path != "" && !paths[path] {
			if err := t.leave(ctx, id, path); err != nil {
				return err
			}
		}
		if name := t.GroupRoles[code]; name != "" && !roles[name] {
			if err := t.take(ctx, id, name); err != nil {
				return err
			}
		}
	}
	return nil
}
