//go:build race

package store_test

// manyPeople is fewer than in a test without the race detector, under which SQLite takes ten times as long.
const manyPeople = 20_000
