//go:build !linux && !darwin

package importer

import "os"

// isLocked knows of no locks here. Two imports of one file count nothing twice, but write
// over each other's report.
func isLocked(*os.File) bool { return false }
