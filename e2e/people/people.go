// Package people makes up people for measurements and end-to-end tests: names as a directory in France meets them, with accents, particles,
// hyphens and other scripts, drawn so that a few names are very common and many are rare. The same seed gives the same people.
//
// Nobody here exists. What is made of them is e2e/bench's and the tests'.
package people

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/musterid/muster"
)

// Person is one made-up person. Email and SourceID are never given twice by one Maker; names are, often.
type Person struct {
	Last       string
	First      string
	Email      string
	SourceID   string
	Department string
}

// Columns names the cells that Cells gives, in English as sheets have them.
var Columns = []string{"source_id", "last_name", "first_name", "email", "department"}

// Cells gives a person as the cells of a row.
func (p Person) Cells() []string { return []string{p.SourceID, p.Last, p.First, p.Email, p.Department} }

// Maker makes people one after the other.
type Maker struct {
	random *rand.Rand
	first  *rand.Zipf
	last   *rand.Zipf
	prefix string
	named  string // first name of everybody; "" for names as they come
	family string
	moved  string // department of everybody; "" for departments as they come
	made   int
}

// New gives a Maker. People of different prefixes never share an address or a source id.
func New(seed uint64, prefix string) *Maker {
	r := rand.New(rand.NewPCG(seed, 0x6d7573746572))
	return &Maker{
		random: r, prefix: prefix,
		first: rand.NewZipf(r, 1.3, 4, uint64(len(firstNames)-1)),
		last:  rand.NewZipf(r, 1.25, 6, uint64(len(lastNames)*len(lastNames)-1)),
	}
}

// Namesakes gives a Maker of people who all have one name.
func Namesakes(seed uint64, prefix, first, last string) *Maker {
	m := New(seed, prefix)
	m.named, m.family = first, last
	return m
}

// Moved has everybody from now on be of one department, and the same in all else.
func (m *Maker) Moved(department string) *Maker {
	m.moved = department
	return m
}

// Next makes one more person.
func (m *Maker) Next() Person {
	m.made++
	number := strconv.Itoa(m.made)
	p := Person{
		First: firstNames[m.first.Uint64()], Last: m.lastName(), SourceID: m.prefix + number,
		Department: departments[m.random.IntN(len(departments))],
	}
	if m.random.IntN(12) == 0 {
		p.First += "-" + firstNames[m.random.IntN(20)]
	}
	if m.named != "" {
		p.First, p.Last = m.named, m.family
	}
	if m.moved != "" {
		p.Department = m.moved
	}
	p.Email = fmt.Sprintf("%s.%s.%s%s@%s", muster.Fold(p.First), muster.Fold(p.Last), m.prefix, number, domains[m.random.IntN(len(domains))])
	return p
}

// lastName gives one of the listed names, or for the rare ones a pair of them.
func (m *Maker) lastName() string {
	n := int(m.last.Uint64())
	if n < len(lastNames) {
		return lastNames[n]
	}
	return lastNames[n/len(lastNames)] + "-" + lastNames[n%len(lastNames)]
}

var domains = []string{"example.org", "school.test", "lycee.example", "mail.example.com"}

var departments = []string{"Mathématiques", "Lettres", "Sciences", "Histoire-Géographie", "Éducation physique", "Vie scolaire", "Administration", "Langues"}
