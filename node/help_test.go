package node_test

import (
	"os"
	"path/filepath"
	"testing"
)

// filesIn lists what is in the temporary folder.
func filesIn(t *testing.T) ([]string, error) {
	t.Helper()
	return filepath.Glob(filepath.Join(os.TempDir(), "chatnode-*"))
}
