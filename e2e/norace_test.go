//go:build !race

package e2e

// raceDetector says that everything is slower, and larger in memory.
const raceDetector = false
