//go:build !race

package store_test

// manyPeople is the size of a directory whose lists must not be read as a whole for who may see one unit.
const manyPeople = 100_000
