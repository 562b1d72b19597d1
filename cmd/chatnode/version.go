package main

import (
	"fmt"
	"runtime"
)

// version is set when a release is built: go build -ldflags "-X main.version=1.0".
var version = "dev"

type versionCmd struct {
	JSON bool `name:"json" help:"Show it as JSON."`
}

// Help is shown by --help.
func (versionCmd) Help() string {
	return `Examples:

  chatnode version
  chatnode version --json`
}

// Run prints the version, that of Go, and the platform.
func (c *versionCmd) Run(s streams) error {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	if c.JSON {
		return s.printJSON(struct {
			Version  string `json:"version"`
			Go       string `json:"go"`
			Platform string `json:"platform"`
		}{version, runtime.Version(), platform})
	}
	return s.print(fmt.Sprintf("chatnode %s (%s, %s)\n", version, runtime.Version(), platform))
}
