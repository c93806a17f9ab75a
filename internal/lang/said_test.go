package lang

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// speakers are the packages whose errors a reader of French can be shown. internal/api/native is not among them: it is for programs, in English.
var speakers = []string{
	"../..", "../access", "../api", "../api/edconnekt", "../api/jumpcloud", "../api/pages", "../app", "../auth", "../batch", "../config", "../connector", "../connector/all",
	"../connector/keycloak", "../connector/ldap", "../connector/rehearsal", "../intake", "../invite", "../mail", "../outbound", "../provision", "../queue",
	"../roster", "../secret", "../sheet", "../store",
}

// source is what was read of the packages: the formats of errors with where they stand, and every text.
type source struct {
	formats map[string]string
	texts   map[string]bool
	spoken  map[string]string // what the command line says through its T
	unclear []string          // where errors are made whose format the source does not show
}

// maker is a function that makes errors: Errorf, or one around it.
type maker struct {
	format int    // which argument is the format
	behind string // what is put behind it
}

func readSource(t *testing.T) source {
	t.Helper()
	s := source{formats: map[string]string{}, texts: map[string]bool{}, spoken: map[string]string{}}
	for _, folder := range append(slices.Clone(speakers), "../cli") {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no source in %s: %v", folder, err)
		}
		set := token.NewFileSet()
		var parsed []*ast.File
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(set, file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, f)
		}
		s.folder(set, parsed)
	}
	return s
}

func (s *source) folder(set *token.FileSet, files []*ast.File) {
	makers := map[string]maker{}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool { findMaker(makers, n); return true })
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case ast.Expr:
				if text, ok := textOf(n, "%s"); ok {
					s.texts[text] = true
				}
			}
			if call, ok := n.(*ast.CallExpr); ok {
				s.call(set, makers, call)
				s.speech(set, call)
			}
			return true
		})
	}
}

// findMaker notes a function or a closure that has a parameter called format and gives it to Errorf.
func findMaker(makers map[string]maker, n ast.Node) {
	switch n := n.(type) {
	case *ast.FuncDecl:
		if m, ok := makerOf(n.Type, n.Body); ok {
			makers[n.Name.Name] = m
		} else if n.Body != nil && len(n.Body.List) > 0 { // a function that gives the closure
			if back, ok := n.Body.List[len(n.Body.List)-1].(*ast.ReturnStmt); ok && len(back.Results) == 1 {
				if closure, ok := back.Results[0].(*ast.FuncLit); ok {
					if m, ok := makerOf(closure.Type, closure.Body); ok {
						makers[n.Name.Name+"()"] = m
					}
				}
			}
		}
	case *ast.AssignStmt:
		for i, right := range n.Rhs {
			closure, ok := right.(*ast.FuncLit)
			if name, named := n.Lhs[min(i, len(n.Lhs)-1)].(*ast.Ident); ok && named {
				if m, ok := makerOf(closure.Type, closure.Body); ok {
					makers[name.Name] = m
				}
			}
		}
	}
}

func makerOf(kind *ast.FuncType, body *ast.BlockStmt) (m maker, ok bool) {
	at := slices.Index(parameters(kind), "format")
	if at < 0 || body == nil {
		return m, false
	}
	ast.Inspect(body, func(n ast.Node) bool {
		call, is := n.(*ast.CallExpr)
		if !is || called(call) != "Errorf" || len(call.Args) < 3 {
			return true
		}
		if behind, is := passed(call.Args[2]); is {
			m, ok = maker{format: at, behind: behind}, true
		}
		return true
	})
	return m, ok
}

func parameters(kind *ast.FuncType) (names []string) {
	for _, field := range kind.Params.List {
		for _, name := range field.Names {
			names = append(names, name.Name)
		}
	}
	return names
}

// passed says that an expression is the parameter format, with what is put behind it.
func passed(e ast.Expr) (behind string, ok bool) {
	switch e := e.(type) {
	case *ast.Ident:
		return "", e.Name == "format"
	case *ast.BinaryExpr:
		if _, ok := passed(e.X); ok {
			return textOf(e.Y, "")
		}
	}
	return "", false
}

// called is the name of what is called; with () behind it, the function that gave it.
func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if from, ok := f.X.(*ast.Ident); ok && f.Sel.Name == "Errorf" && from.Name != "muster" {
			return from.Name + ".Errorf"
		}
		return f.Sel.Name
	case *ast.CallExpr:
		return called(f) + "()"
	}
	return ""
}

// textOf is the text that an expression of literals is. other stands for what is no literal; without one there may be none.
func textOf(e ast.Expr, other string) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, err := strconv.Unquote(e.Value)
			return text, err == nil
		}
	case *ast.BinaryExpr:
		if e.Op != token.ADD {
			return "", false
		}
		left, ok1 := textOf(e.X, other)
		right, ok2 := textOf(e.Y, other)
		if !ok1 && other != "" {
			left, ok1 = other, true
		}
		if !ok2 && other != "" {
			right, ok2 = other, true
		}
		return left + right, ok1 && ok2
	case *ast.ParenExpr:
		return textOf(e.X, other)
	}
	return "", false
}

func (s *source) call(set *token.FileSet, makers map[string]maker, call *ast.CallExpr) {
	name := called(call)
	m, ok := makers[name]
	switch {
	case name == "Errorf":
		m, ok = maker{format: 2}, true
	case (name == "refused" || name == "conflict") && len(call.Args) == 2: // internal/provision makes a sentence of the cause
		if cause, is := call.Args[1].(*ast.CallExpr); is && called(cause) == "fmt.Errorf" {
			if text, is := textOf(cause.Args[0], ""); is {
				s.formats[upperFirst(text)+"."] = set.Position(call.Pos()).String()
			}
		}
		return
	}
	if !ok || len(call.Args) <= m.format {
		return
	}
	if text, ok := textOf(call.Args[m.format], ""); ok {
		s.formats[text+m.behind] = set.Position(call.Pos()).String()
	} else if _, ok := passed(call.Args[m.format]); !ok {
		s.unclear = append(s.unclear, set.Position(call.Pos()).String())
	}
}

// speech notes what is said by a T, or by the command line's functions around one.
func (s *source) speech(set *token.FileSet, call *ast.CallExpr) {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	at := -1
	switch f.Sel.Name {
	case "Sprintf", "Text":
		if t, ok := f.X.(*ast.SelectorExpr); ok && t.Sel.Name == "t" {
			at = 0
		}
	case "printf", "notef":
		at = 0
	case "exitf":
		at = 1
	case "remove":
		at = 2
	}
	if at < 0 || len(call.Args) <= at {
		return
	}
	if text, ok := textOf(call.Args[at], ""); ok {
		s.spoken[text] = set.Position(call.Pos()).String()
	}
}

func upperFirst(s string) string {
	r := []rune(s)
	r[0] = unicode.ToUpper(r[0])
	return string(r)
}

// speechless says that a format has no words of its own.
func speechless(format string) bool {
	for _, p := range read(format) {
		if p.verb == 0 && strings.ContainsFunc(p.text, unicode.IsLetter) {
			return false
		}
	}
	return true
}

// Whatever a reader of French can be told is wrong, they are told in French.
func TestEveryErrorIsSaid(t *testing.T) {
	t.Parallel()
	s := readSource(t)
	if len(s.formats) < 300 {
		t.Fatalf("only %d formats of errors were found: the walk over the source does not see them", len(s.formats))
	}
	for _, where := range s.unclear {
		t.Errorf("%s: an error is made whose format does not stand there: nothing can say it in French", where)
	}
	for _, format := range slices.Sorted(maps.Keys(s.formats)) {
		if _, ok := french[format]; !ok && !speechless(format) {
			t.Errorf("%s: there is no French for %q", s.formats[format], format)
		}
	}
}

// The command line has a language, and says nothing in another.
func TestEverythingSpokenIsSaid(t *testing.T) {
	t.Parallel()
	s := readSource(t)
	if len(s.spoken) < 100 {
		t.Fatalf("only %d texts were found: the walk over the source does not see them", len(s.spoken))
	}
	for _, text := range slices.Sorted(maps.Keys(s.spoken)) {
		if _, ok := frenchCatalogue().sentences[text]; !ok && !speechless(text) && text != "muster %s (%s, %s/%s)" {
			t.Errorf("%s: there is no French for %q", s.spoken[text], text)
		}
	}
}

// A key that nobody says any more is a translation that nobody will ever see.
func TestCatalogueIsSaid(t *testing.T) {
	t.Parallel()
	s := readSource(t)
	for english := range frenchCatalogue().sentences {
		if _, ok := s.formats[english]; !ok && !s.texts[english] {
			t.Errorf("nobody says %q any more: take it out of the catalogue", english)
		}
	}
	for english := range frenchFragments {
		if !s.texts[english] {
			t.Errorf("nobody says %q any more: take it out of the fragments", english)
		}
	}
}
