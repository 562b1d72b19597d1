package tests_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// The sizes past which a reader gets lost, in lines.
const (
	longestFile     = 600
	longestFunction = 80
)

func TestFilesAndFunctionsStayReadableAndDocumented(t *testing.T) {
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		checkFile(t, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkFile(t *testing.T, path string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	if n := set.File(file.Pos()).LineCount(); n > longestFile {
		t.Errorf("%s has %d lines", path, n)
	}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if n := set.Position(d.End()).Line - set.Position(d.Pos()).Line; n > longestFunction {
				t.Errorf("%s: %s has %d lines", path, d.Name.Name, n)
			}
			if d.Name.IsExported() && exportedReceiver(d) && d.Doc == nil {
				t.Errorf("%s: %s says nothing of itself", path, d.Name.Name)
			}
		case *ast.GenDecl:
			checkTypes(t, path, d)
		}
	}
}

// exportedReceiver reports whether a function can be named from another package.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	receiver := d.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	name, ok := receiver.(*ast.Ident)
	return ok && name.IsExported()
}

func checkTypes(t *testing.T, path string, d *ast.GenDecl) {
	t.Helper()
	for _, spec := range d.Specs {
		if s, ok := spec.(*ast.TypeSpec); ok && s.Name.IsExported() && s.Doc == nil && d.Doc == nil {
			t.Errorf("%s: %s says nothing of itself", path, s.Name.Name)
		}
	}
}
