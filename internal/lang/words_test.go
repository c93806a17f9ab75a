package lang

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// words finds the parts of sentences that packages put in where the French has %w: what was being done, kinds of values, files and addresses.
func words(t *testing.T, folder string, found map[string]bool) {
	t.Helper()
	note := func(e ast.Expr) {
		if text, ok := textOf(e, "%s"); ok && strings.ContainsFunc(text, unicode.IsLetter) && text != "%q" {
			found[text] = true
		}
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no source in %s: %v", folder, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool { wordsIn(n, note); return true })
	}
}

func wordsIn(n ast.Node, note func(ast.Expr)) {
	switch n := n.(type) {
	case *ast.CallExpr:
		switch called(n) {
		case "damaged", "outcome", "belonging":
			for _, arg := range n.Args {
				note(arg)
			}
		}
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			switch left := left.(type) {
			case *ast.Ident:
				if left.Name == "doing" && i < len(n.Rhs) {
					note(n.Rhs[i])
				}
			case *ast.IndexExpr:
				if of, ok := left.X.(*ast.Ident); ok && of.Name == "owner" {
					note(n.Rhs[i])
				}
			}
		}
	case *ast.FuncDecl:
		if slices.Contains([]string{"kindOf", "expected", "delimiterName", "worker"}, n.Name.Name) {
			ast.Inspect(n.Body, func(n ast.Node) bool {
				if back, ok := n.(*ast.ReturnStmt); ok && len(back.Results) == 1 {
					note(back.Results[0])
				}
				return true
			})
		}
	case *ast.ValueSpec:
		if !slices.Contains([]string{"foreign", "markup", "ranges", "expected"}, n.Names[0].Name) || len(n.Values) != 1 {
			return
		}
		list, _ := n.Values[0].(*ast.CompositeLit)
		for _, entry := range list.Elts {
			switch entry := entry.(type) {
			case *ast.KeyValueExpr:
				note(entry.Value)
			case *ast.CompositeLit:
				note(entry.Elts[len(entry.Elts)-1])
			}
		}
	}
}

// Words of ours inside a sentence must have French, too, or it comes out in two languages.
func TestWordsInSentencesAreSaid(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, folder := range speakers {
		words(t, folder, found)
	}
	if len(found) < 70 {
		t.Fatalf("only %d were found: %v", len(found), slices.Sorted(maps.Keys(found)))
	}
	for _, text := range slices.Sorted(maps.Keys(found)) {
		if _, ok := frenchFragments[text]; !ok {
			t.Errorf("there is no French for the words %q", text)
		}
	}
}
