//go:build race

package e2e

// raceDetector says that everything is slower, and larger in memory.
const raceDetector = true

// slower is how many times longer what is waited for may take.
const slower = 3
