// Package cases holds the test cases that any chat server can be run against, and the schema that they follow.
package cases

import _ "embed"

// Schema is the JSON Schema (draft 2020-12) of a case file. Nobody may change it.
//
//go:embed schema.json
var Schema []byte
