// Package examples holds files to try the product with, and nothing that the product needs. The README beside it names their sources.
package examples

import _ "embed"

// Legislators is legislators.csv, in the binary so that the demo works from anywhere.
//
//go:embed legislators.csv
var Legislators []byte
