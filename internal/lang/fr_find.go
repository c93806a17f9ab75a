package lang

import "maps"

// Finding people by any of their fields: what cannot be asked for.
func init() {
	maps.Copy(french, map[string]string{
		"At most %d conditions can be asked for at once.":    "On peut demander au plus %d conditions à la fois.",
		"At most %d values can be compared with at once.":    "On peut comparer avec au plus %d valeurs à la fois.",
		"People can be sorted by at most %d fields at once.": "Les personnes peuvent être triées par au plus %d champs à la fois.",
		"People cannot be found by %q.":                      "Les personnes ne peuvent pas être trouvées par %q.",
	})
}
